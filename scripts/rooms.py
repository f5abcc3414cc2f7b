"""Checks that the rooms of the Python package import only what stands above them: `python -m scripts.rooms`.

Owns the order of the rooms. What a module imports when it is loaded comes from its own room or from one
before it, and no modules import each other in a circle. Types may name anything: what stands under
`TYPE_CHECKING` is not looked at, nor is what a function imports when it is called. Called by ``make lint``.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "python/codex_app_server"

# From the top; each may use those before it. A public module is a room of its own.
ROOMS = (
    "_version",
    "_text",
    "_package",
    "models",
    "types",
    "_errors",
    "errors",
    "_arguments",
    "generated",
    "_concurrency",
    "_logs",
    "_incoming",
    "_schemas",
    "_launch",
    "_outgoing",
    "_official_names",
    "requests",
    "_output_types",
    "tools",
    "_serving",
    "retry",
    "_async",
    "_sync",
    "async_client",
    "client",
    "testing",
    "_cli",
    "__init__",
    "api",
    "__main__",
)
# Compiled: any module may use it, and so it is imported from the package itself.
NATIVE = "_native"


def rooms(package: Path) -> list[str]:
    """The rooms that there are, in no order."""
    found = [path.stem if path.is_file() else path.name for path in package.iterdir() if _is_source(path)]
    return sorted(found)


def breaches(package: Path) -> list[str]:
    """One line for each import of something that stands below, and for each circle of modules."""
    modules = {_name(package, path): path for path in sorted(package.rglob("*.py"))}
    found = [f"{room} has no place in the order of rooms" for room in rooms(package) if room not in ROOMS]
    imports: dict[str, set[str]] = {}
    for name, path in modules.items():
        room = _room(name)
        imports[name] = set()
        for line, used in _imported(name, path, modules):
            imports[name].add(used)
            if room in ROOMS and _room(used) in ROOMS and ROOMS.index(_room(used)) > ROOMS.index(room):
                where = path.relative_to(package)
                found.append(f"{where}:{line}: {room} uses {_room(used)}, which stands below it")
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        found.append(f"a circle of modules: {' -> '.join(error.args[1])}")
    return found


def _is_source(path: Path) -> bool:
    return path.suffix == ".py" or (path.is_dir() and (path / "__init__.py").exists())


def _name(package: Path, path: Path) -> str:
    """`requests._base`, `errors`, `_async`; `__init__` for the package itself."""
    parts = path.relative_to(package).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _room(name: str) -> str:
    return name.partition(".")[0]


def _imported(name: str, path: Path, modules: dict[str, Path]) -> Iterator[tuple[int, str]]:
    """The modules of the package that `name` imports when it is loaded, each with its line."""
    inside = [] if name == "__init__" else name.split(".")
    if path.name != "__init__.py":
        inside = inside[:-1]
    for node in _loaded(ast.parse(path.read_text(encoding="utf-8")).body):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first, _, rest = alias.name.partition(".")
                if first == PACKAGE.name and _room(rest) != NATIVE:
                    yield node.lineno, rest if rest in modules else "__init__"
            continue
        if not isinstance(node, ast.ImportFrom):
            continue
        if node.level:
            base = inside[: len(inside) - node.level + 1]
        elif node.module and node.module.partition(".")[0] == PACKAGE.name:
            base = []
        else:
            continue
        tail = (node.module or "").split(".") if node.module else []
        base = [*base, *(tail if node.level else tail[1:])]
        for alias in node.names:
            whole = ".".join([*base, alias.name])
            used = whole if whole in modules else ".".join(base) or "__init__"
            if used != name and alias.name != NATIVE and _room(used) != NATIVE:
                yield node.lineno, used


def _loaded(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that are executed when a module is loaded, and whose names are no types only."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from _loaded(node.orelse)
            continue
        yield node
        for inner in ("body", "orelse", "finalbody"):
            yield from _loaded(getattr(node, inner, []))
        for part in (*getattr(node, "handlers", []), *getattr(node, "cases", [])):
            yield from _loaded(part.body)


def main() -> int:
    """Print what is wrong; returns the exit code."""
    found = breaches(PACKAGE)
    for line in found:
        print(f"python/codex_app_server: {line}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
