"""The command: ``python -m scripts.generate [--check]``.

Owns which files are generated and where they stand. Without an option they are written; with
``--check`` they are made again and compared, and files that differ are named.
"""

from __future__ import annotations

import argparse
import sys

from . import calls, models, protocol, python, reference, rpc, rust, schema, tables

_PYTHON = "python/codex_app_server/generated"
_CLIENT = "python/codex_app_server/_async/rpc.py"
_REFERENCE = "docs/methods.md"
_RUST = "rust/core/src/protocol.rs"
_MODELS_DOC = """\
Models of everything that the runtime's schema defines.

Each class derives from one of those in ``_base``. Validators are built when a model is first used.
"""


def render() -> dict[str, str]:
    """Makes every generated file; returns its text by path, relative to the repository's root."""
    bundle = schema.load()
    methods = protocol.build(bundle)
    module = models.build(bundle, methods)
    client_calls = calls.build(bundle, methods, module)
    models_path = f"{_PYTHON}/v2_all.py"
    notifications_path = f"{_PYTHON}/notifications.py"
    requests_path = f"{_PYTHON}/requests.py"
    return {
        _RUST: rust.render(methods),
        models_path: python.module(models_path, _MODELS_DOC, module.classes),
        notifications_path: tables.notifications(notifications_path, methods),
        requests_path: tables.requests(requests_path, methods),
        _CLIENT: rpc.module(_CLIENT, client_calls),
        _REFERENCE: reference.page(bundle, methods, client_calls),
    }


def main() -> int:
    """Writes or compares the files; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m scripts.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args().check
    differing: list[str] = []
    for name, text in render().items():
        path = schema.ROOT / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        differing.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if not differing:
        print("generated files are up to date")
    elif check:
        print("these files differ from what the runtime's schema gives:", file=sys.stderr)
        print(*(f"  {name}" for name in differing), sep="\n", file=sys.stderr)
        print("run `python -m scripts.generate`", file=sys.stderr)
        return 1
    else:
        print(*(f"wrote {name}" for name in differing), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
