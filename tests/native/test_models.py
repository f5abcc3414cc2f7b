"""The list of what the models guard belongs to the sources as they are; `make mutations` tries it."""

from __future__ import annotations

import pytest

from scripts.mutations import CORE, Mutation, mutated, mutations


@pytest.mark.parametrize("mutation", mutations(), ids=lambda mutation: mutation.what)
def test_a_mutation_changes_lines_that_stand_there_once(mutation: Mutation) -> None:
    before = (CORE / mutation.file).read_text(encoding="utf-8")
    assert mutated(mutation) != before
    module, name = mutation.test.split("::")
    model = (CORE / f"tests/models/{module}.rs").read_text(encoding="utf-8")
    assert f"fn {name}()" in model
