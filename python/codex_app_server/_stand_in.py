"""`install_as_openai_codex`: this package under the official one's name.

Owns the finder that answers for `openai_codex` and everything below it, each time with the very module of
this package. It never makes a module of its own. Programs call it, once, before anything imports the
official package.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from .errors import AlreadyImportedError

_OURS = __name__.rpartition(".")[0]
_OFFICIAL = "openai_codex"

_lock = threading.Lock()


def install_as_openai_codex() -> None:
    """Make `import openai_codex` give this package, for code that cannot be edited.

    Every module has one object under both names (`openai_codex.types is codex_app_server.types`), whenever it
    is imported. It holds for this process only; calling it again changes nothing.

    Raises:
        AlreadyImportedError: The official package was imported before. Call this earlier.

    Example:
        >>> install_as_openai_codex()  # doctest: +SKIP
        >>> from openai_codex import Codex  # doctest: +SKIP
    """
    with _lock:
        _refuse_if_imported()
        if _finder not in sys.meta_path:
            sys.meta_path.insert(0, _finder)
        # Another thread may be importing the official package right now; this waits for it.
        importlib.import_module(_OFFICIAL)
        try:
            _refuse_if_imported()
        except AlreadyImportedError:
            sys.meta_path.remove(_finder)
            raise


def _refuse_if_imported() -> None:
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == _OFFICIAL and module is not sys.modules.get(_our_name(name)):
            raise AlreadyImportedError(
                f"{_OFFICIAL} was imported already. Call install_as_openai_codex() before its first import, "
                "at the very start of the program."
            )


def _our_name(name: str) -> str:
    return _OURS + name[len(_OFFICIAL) :]


class _Finder:
    """Finds `openai_codex` and what is below it, and loads it by importing ours."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name.partition(".")[0] != _OFFICIAL:
            return None
        found = importlib.util.find_spec(_our_name(name))
        if found is None:
            # The next finder would look in our directory, and could load a second copy from there.
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return ModuleSpec(name, self, is_package=found.submodule_search_locations is not None)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(_our_name(spec.name))
        # The import system puts `spec` in the place of the module's own one. A placeholder that is replaced
        # while it is loaded would leave the module alone, but a thread that imports the same name at that
        # moment would keep the placeholder.
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = getattr(module.__spec__, "loader_state", None)


_finder = _Finder()
