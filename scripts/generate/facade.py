"""Writes ``v2_all.py``, where programs find every model, and its stub.

Owns the text of those two: a table of names at run time, so that touching one model imports only its
home, and a plain list of homes for type checkers and editors. The classes themselves are
``python.py``'s.
"""

from __future__ import annotations

from collections.abc import Mapping

from .python import HEADER, exports, formatted

_FACADE = '''
"""Every model that the runtime's schema defines.

The classes stand in ``_models``, by what needs them. Here each is imported when it is first asked
for, with those that it is made of; type checkers and editors read ``v2_all.pyi``.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__package__}._models.{home}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


# The module of each class.
_HOMES: dict[str, str] = {
'''

_EXPORTS = """\
}

__all__ = list(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll] - the stub is what it reads
"""


def module(path: str, homes: Mapping[str, str]) -> str:
    """Returns the source of ``v2_all.py``."""
    rows = [f'    "{name}": "{homes[name]}",' for name in sorted(homes)]
    return formatted(HEADER + _FACADE + "\n".join(rows) + "\n" + _EXPORTS, path)


def stub(path: str, homes: Mapping[str, str]) -> str:
    """Returns the source of ``v2_all.pyi``: each home lists its own classes, and all are passed on."""
    imports = [f"from ._models.{home} import *" for home in sorted(set(homes.values()))]
    return formatted("\n".join([HEADER, *imports, "", exports(homes)]), path)
