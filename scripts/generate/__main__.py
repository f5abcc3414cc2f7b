"""The command: ``python -m scripts.generate [--check]``.

Owns which files are generated and where they stand. Without an option they are written; with
``--check`` they are made again and compared, and files that differ are named. A module of models that
is not made any more differs too, and is removed.
"""

from __future__ import annotations

import argparse
import sys

from . import (
    calls,
    digests,
    facade,
    homes,
    literals,
    models,
    protocol,
    python,
    reference,
    registry,
    rpc,
    rust,
    schema,
    tables,
)
from .shapes import Class

_PYTHON = "python/codex_app_server/generated"
_CLIENT = "python/codex_app_server/_async/rpc.py"
_REFERENCE = "docs/methods.md"
_RUST = "rust/core/src/wire/protocol.rs"
_MODELS = f"{_PYTHON}/_models"
_MODELS_DOC = """\
The models, each in the module of what needs it. Programs find all of them in ``v2_all``.

Generated, except for the base classes in ``_base``. Importing a module imports those that its classes
are made of; validators are built when a model is first used.
"""


def render() -> dict[str, str]:
    """Makes every generated file; returns its text by path, relative to the repository's root."""
    bundle = schema.load()
    methods = protocol.build(bundle)
    module = models.build(bundle, methods)
    where = homes.assign(module.classes, methods)
    client_calls = calls.build(bundle, methods, module)
    notifications_path = f"{_PYTHON}/notifications.py"
    literals_path = f"{_PYTHON}/literals.py"
    registry_path = f"{_PYTHON}/notification_registry.py"
    requests_path = f"{_PYTHON}/requests.py"
    definitions_path = f"{_PYTHON}/definitions.py"
    return {
        _RUST: rust.render(methods),
        **_models(module.classes, where),
        notifications_path: tables.notifications(notifications_path, methods, where),
        literals_path: literals.module(literals_path, bundle, methods, module),
        registry_path: registry.module(registry_path, methods),
        requests_path: tables.requests(requests_path, methods),
        definitions_path: digests.module(definitions_path, bundle.text),
        _CLIENT: rpc.module(_CLIENT, client_calls),
        _REFERENCE: reference.page(bundle, methods, client_calls),
    }


def _models(classes: dict[str, Class], where: dict[str, str]) -> dict[str, str]:
    reused = homes.reused(classes)
    facade_path = f"{_PYTHON}/v2_all.py"
    files = {
        facade_path: facade.module(facade_path, where),
        f"{facade_path}i": facade.stub(f"{facade_path}i", where),
        f"{_MODELS}/__init__.py": f'{python.HEADER}\n"""{_MODELS_DOC}"""\n',
    }
    for home in sorted(set(where.values())):
        path = f"{_MODELS}/{home}.py"
        here = {name: item for name, item in classes.items() if where[name] == home}
        files[path] = python.module(path, homes.description(home), here, where, reused)
    return files


def main() -> int:
    """Writes or compares the files; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m scripts.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args().check
    files = render()
    existing = {path.relative_to(schema.ROOT).as_posix() for path in (schema.ROOT / _MODELS).glob("*.py")}
    stale = sorted(existing - files.keys())
    differing: list[str] = []
    for name, text in files.items():
        path = schema.ROOT / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        differing.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if not check:
        for name in stale:
            (schema.ROOT / name).unlink()
    if not differing and not stale:
        print("generated files are up to date")
    elif check:
        print("these files differ from what the runtime's schema gives:", file=sys.stderr)
        print(*(f"  {name}" for name in [*differing, *stale]), sep="\n", file=sys.stderr)
        print("run `python -m scripts.generate`", file=sys.stderr)
        return 1
    else:
        print(*(f"wrote {name}" for name in differing), *(f"removed {name}" for name in stale), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
