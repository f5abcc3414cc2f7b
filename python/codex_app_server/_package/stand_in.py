"""This package under the official one's names.

Owns the finder that answers for `openai_codex` and everything below it, each time with the very module of
this package: programs call `install_as_openai_codex`, once, before anything imports the official package. And
the finder of modules that are private in the official package and that programs import from all the same:
their names are those of `_official_names`.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_OURS = __name__.partition(".")[0]
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
    from ..errors import AlreadyImportedError  # whose annotations are evaluated by the help of this room

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
    from ..errors import AlreadyImportedError

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

_INPUTS = (
    "ExternalMessage ImageInput Input InputItem LocalImageInput MentionInput RunInput SkillInput TextInput "
    "_normalize_run_input _to_wire_input _to_wire_item _to_wire_turn_input"
)
_LOGINS = (
    "AsyncChatgptLoginHandle AsyncDeviceCodeLoginHandle ChatgptLoginHandle DeviceCodeLoginHandle "
    "async_start_chatgpt_login async_start_device_code_login start_chatgpt_login start_device_code_login"
)
_RESULTS = (
    "TurnResult _collect_async_turn_result _collect_turn_result _final_assistant_response_from_items "
    "_raise_for_failed_turn"
)
# The modules and what they have.
_PRIVATE = {
    f"{_OURS}._approval_mode": "ApprovalMode _approval_mode_override_settings _approval_mode_settings",
    f"{_OURS}._goal": "_GoalOperationState",
    f"{_OURS}._initialize_metadata": "InitializeResponse ServerInfo validate_initialize_metadata",
    f"{_OURS}._inputs": _INPUTS,
    f"{_OURS}._login": _LOGINS,
    f"{_OURS}._run": _RESULTS,
    f"{_OURS}._sandbox": "Sandbox _sandbox_mode _sandbox_policy",
}


class _PrivateModules:
    """Finds them, and fills them when they are imported."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name in _PRIVATE else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        """A plain one will do."""

    def exec_module(self, module: ModuleType) -> None:
        names = importlib.import_module(f"{_OURS}._official_names")
        for name in _PRIVATE[module.__name__].split():
            setattr(module, name, getattr(names, name))


# Asked last: it costs only the import of what is not there otherwise.
sys.meta_path.append(_PrivateModules())
