"""The guide's examples run as they stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

_GUIDE = Path(__file__).parents[2] / "docs" / "testing.md"
_EXAMPLES = re.findall(r"```python\n(.*?)```", _GUIDE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("example", _EXAMPLES, ids=range(len(_EXAMPLES)))
def test_the_guides_example_runs(example: str, caplog: pytest.LogCaptureFixture) -> None:
    exec(compile(example, str(_GUIDE), "exec"), {"__name__": "example"})  # noqa: S102
    # What fails on purpose may be logged.
    assert all("has met a limit" in record.getMessage() for record in caplog.records)
    caplog.clear()


def test_the_docstrings_examples_run() -> None:
    import doctest

    from codex_app_server.testing import answers, endings, limits, model, parts, requests

    modules: list[Any] = [answers, endings, limits, model, parts, requests]
    results = [doctest.testmod(module) for module in modules]
    assert all(result.attempted for result in results)
    assert sum(result.failed for result in results) == 0
