"""Makes the threads' shell (`_sync`) from the asyncio shell (`_async`), and its tests from the other's.

Owns the rules: which words change, which lines belong to one shell only, and how docstrings are put.
`waiting.py`, `handlers.py` and `concurrency.py` are not made: they are where the two differ. Run by hand
after a change, and by lint with `--check`, which writes nothing and fails when the made files are not what
the rules make.

A line that ends with `# async only` is left out. A line `# sync only: CODE` becomes `CODE`.
"""

from __future__ import annotations

import argparse
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TREES = (ROOT / "python" / "codex_app_server", ROOT / "tests" / "api")
BY_HAND = {"__init__.py", "waiting.py", "handlers.py", "concurrency.py"}

HEADER = "# Made from _async/{name} by `python scripts/make_sync.py`; do not edit.\n\n"

NAMES = {
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "AsyncIterator": "Iterator",
    "StopAsyncIteration": "StopIteration",
    "_async": "_sync",
    "_codex": "_client",
    "aclose": "close",
    "async_client": "client",
    "async_retry_on_overload": "retry_on_overload",
}
DROPPED = {"async", "await"}

DOC_RULES = (
    (re.compile(r"Async form of `\w+`\. ?"), ""),
    (re.compile(r"\basyncio shell\b"), "threads' shell"),
    (re.compile(r"\basync (with|for|def)\b"), r"\1"),
    (re.compile(r"\bawait "), ""),
    (re.compile(r"\banother task\b"), "another thread"),
    (re.compile(r"\bCancelled, it\b"), "Stopped by Ctrl-C, it"),
    (re.compile(r"\s+Here (it|they) may be (a\s+)?coroutine\s+functions?\."), ""),
)


def synced_name(name: str) -> str:
    """The sync form of an identifier."""
    if name in NAMES:
        return NAMES[name]
    return re.sub(r"^(_?)Async(?=[A-Z])", r"\1", name)


def synced_text(text: str) -> str:
    """The sync form of a docstring or another string."""
    for pattern, replacement in DOC_RULES:
        text = pattern.sub(replacement, text)
    return re.sub(r"\b\w+\b", lambda word: synced_name(word.group()), text)


def select_lines(source: str) -> str:
    """The lines of the sync shell."""
    lines = []
    for line in source.splitlines(keepends=True):
        if line.rstrip().endswith("# async only"):
            continue
        lines.append(re.sub(r"^(\s*)# sync only:(?: |$)", r"\1", line))
    return "".join(lines)


def rewrite(source: str) -> str:
    """The sync form of a module, not formatted yet."""
    out: list[str] = []
    position = (1, 0)
    lines = source.splitlines(keepends=True)
    skip_space = False
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        gap = _between(lines, position, token.start)
        position = token.end
        if skip_space:
            gap = gap.lstrip(" ")
        skip_space = token.type == tokenize.NAME and token.string in DROPPED
        if skip_space:
            out.append(gap)
        elif token.type == tokenize.NAME:
            out.append(gap + synced_name(token.string))
        elif token.type in (tokenize.STRING, tokenize.COMMENT):
            out.append(gap + synced_text(token.string))
        else:
            out.append(gap + token.string)
    return "".join(out)


def _between(lines: list[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    """The source between two tokens: spaces, and line continuations."""
    if start[0] == end[0]:
        return lines[start[0] - 1][start[1] : end[1]] if start[0] <= len(lines) else ""
    first = lines[start[0] - 1][start[1] :]
    middle = lines[start[0] : end[0] - 1]
    last = lines[end[0] - 1][: end[1]] if end[0] <= len(lines) else ""
    return first + "".join(middle) + last


def formatted(source: str, path: Path) -> str:
    """`source` as the linter wants it."""
    for command in (["check", "--select", "I,F401", "--fix", "--quiet"], ["format"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(path), "-"],
            input=source,
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        if done.returncode:
            raise SystemExit(f"ruff refuses {path}: {done.stderr}{done.stdout}")
        source = done.stdout
    return source


def made(path: Path, target: Path) -> str:
    """The text of the sync module `target`, made from `path`."""
    source = rewrite(select_lines(path.read_text(encoding="utf-8")))
    return formatted(HEADER.format(name=path.name) + source, target)


def make(tree: Path, *, check: bool) -> list[str]:
    """Makes `_sync` from `_async` below `tree`; returns what differed."""
    sources = {path.name for path in (tree / "_async").glob("*.py")} - BY_HAND
    stale = {path.name for path in (tree / "_sync").glob("*.py")} - sources - BY_HAND
    wrong = []
    for name in sorted(sources | stale):
        target = tree / "_sync" / name
        text = made(tree / "_async" / name, target) if name in sources else None
        if text is not None and target.exists() and target.read_text(encoding="utf-8") == text:
            continue
        wrong.append(str(target.relative_to(ROOT)))
        if not check and text is None:
            target.unlink()
        elif not check and text is not None:
            target.write_text(text, encoding="utf-8")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a difference")
    check = parser.parse_args().check
    wrong = [name for tree in TREES for name in make(tree, check=check)]
    if check and wrong:
        print(f"not what scripts/make_sync.py makes: {', '.join(wrong)}; run it", file=sys.stderr)
    return int(check and bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
