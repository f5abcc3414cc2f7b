"""What is left out of the core's tests on Windows."""

import pytest

from scripts.windows import core
from scripts.windows.python import ROOT
from tests.left_out import Entry, read


def test_what_is_left_out_is_named_as_the_test_harness_names_it() -> None:
    listed = [entry for entry in read(ROOT / "tests/windows.toml") if entry.file.startswith("rust/")]
    assert [name.partition("::")[0] for name in map(core.name_of, listed)] == ["endpoint"]


def test_what_is_left_out_and_gone_is_named() -> None:
    gone = Entry("rust/core/tests/windows/endpoint.rs::nobody", "wine", "for no reason")
    with pytest.raises(LookupError, match=r"endpoint\.rs::nobody"):
        core.name_of(gone)
