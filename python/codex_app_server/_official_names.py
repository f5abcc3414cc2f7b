"""Names that are private in the official package and that programs reach for all the same.

Owns what they are here: aliases, and small things that stand in the place of others, and what of a low-level
client cannot be set or overridden. Of this package, only the low-level client and its runtime use it, and the
modules with the official names. They are found in the official modules: those that this package has too
export them, `_package.stand_in` makes the others.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from typing import Any, ParamSpec, TypeVar

from . import _native, types
from ._incoming.bound import Bound, client_state
from ._incoming.result import TurnResult
from ._launch.binary import CodexBinResolverOps
from ._launch.config import CodexConfig
from ._outgoing.inputs import TextInput, input_items, turn_input
from ._package.late import pathlib, pydantic
from .errors import InvalidInputTypeError, TransportClosedError
from .models import JsonObject, Notification

_PACKAGE = f"{__package__}."
ModelT = TypeVar("ModelT", bound="pydantic.BaseModel")
ParamsT = ParamSpec("ParamsT")
ReturnT = TypeVar("ReturnT")
RUNTIME_PKG_NAME = "openai-codex-cli-bin"

# What the official low-level clients have beside what stands for it here. It takes part in reading the
# runtime there; a program that sets or overrides one would be passed over here.
LEFT_OUT = frozenset(
    {
        "_call_sync",
        "_checkout_capabilities",
        "_coerce_notification",
        "_interrupt_goal_operation",
        "_next_from_iterator",
        "_normalize_input_items",
        "_read_message",
        "_reader_loop",
        "_reader_thread",
        "_request_raw",
        "_router",
        "_runtime_version",
        "_start_goal_operation",
        "_start_reader_thread",
        "_start_stderr_drain_thread",
        "_start_turn",
        "_stderr_lines",
        "_stderr_tail",
        "_stderr_thread",
        "_subscribe_turn_notifications",
        "_thread_start_lock",
        "_thread_start_locks",
        "_thread_start_locks_guard",
        "_write_message",
    }
)
# Through the first of these go the others' requests there; the others are asked by their class here.
_NOT_OF_AN_INSTANCE = frozenset({"request", "_handle_server_request", "_default_approval_handler"})


def refuse_to_set(owner: type, name: str, *, is_view: bool) -> None:
    """Refuse an attribute of a low-level client that nothing here would look at.

    Args:
        owner: Its class.
        name: The attribute.
        is_view: Whether it is a `_client`, past which the calls of the other client go.

    Raises:
        AttributeError: It is such a one.
    """
    if name in LEFT_OUT or name in _NOT_OF_AN_INSTANCE or (is_view and callable(getattr(owner, name, None))):
        raise AttributeError(
            f"{owner.__name__}.{name} cannot be set in this package, which would pass it over: see "
            "docs/migration.md. For what the runtime asks, set _approval_handler."
        )


def refuse_to_override(subclass: type) -> None:
    """Refuse a low-level client of a program's own class with a method that nothing here would call.

    Raises:
        InvalidInputTypeError: It has one.
    """
    for name in ("request", *sorted(LEFT_OUT)):
        if any(name in vars(each) for each in subclass.__mro__ if not each.__module__.startswith(_PACKAGE)):
            raise InvalidInputTypeError(
                f"{subclass.__name__}.{name} cannot be overridden in this package, whose other methods would "
                "pass it over: see docs/migration.md. The logger codex_app_server.wire has what is sent."
            )


# --- inputs and options


def _normalize_run_input(input: Any) -> Any:
    """A text as an input; anything else as it is."""
    return TextInput(input) if isinstance(input, str) else input


def _to_wire_item(item: Any) -> JsonObject:
    return input_items([item])[0]


def _to_wire_input(input: Any) -> list[JsonObject]:
    """Inputs by the wire's names.

    Raises:
        InvalidInputError: They are empty.
        InvalidInputTypeError: They are none.
    """
    return [*input_items(input)]


def _to_wire_turn_input(input: Any) -> tuple[list[JsonObject], types.TurnToolOutput | None]:
    from .generated.v2_all import TurnToolOutput

    fields = turn_input(input)
    output = fields.get("toolOutput")
    return fields["input"], None if output is None else TurnToolOutput.model_validate(output)


def _approval_mode_settings(
    approval_mode: Any,
) -> tuple[types.AskForApproval, types.ApprovalsReviewer | None]:
    """The policy that a mode stands for, and its reviewer."""
    from ._outgoing.approval_mode import ApprovalMode, approval_settings
    from .generated.v2_all import ApprovalsReviewer, AskForApproval

    fields = approval_settings(approval_mode, None, default=ApprovalMode.auto_review)
    reviewer = fields.get("approvalsReviewer")
    policy = AskForApproval.model_validate(fields["approvalPolicy"])
    return policy, None if reviewer is None else ApprovalsReviewer(reviewer)


def _approval_mode_override_settings(
    approval_mode: Any,
) -> tuple[types.AskForApproval | None, types.ApprovalsReviewer | None]:
    return (None, None) if approval_mode is None else _approval_mode_settings(approval_mode)


def _sandbox_mode(sandbox: Any) -> types.SandboxMode | None:
    """The mode that a preset stands for."""
    from ._outgoing.sandbox import thread_sandbox
    from .generated.v2_all import SandboxMode

    return None if sandbox is None else SandboxMode(thread_sandbox(sandbox, None)[0]["sandbox"])


def _sandbox_policy(sandbox: Any) -> types.SandboxPolicy | None:
    """The policy that a preset stands for."""
    from ._outgoing.sandbox import sandbox_policy
    from .generated.v2_all import SandboxPolicy

    return None if sandbox is None else SandboxPolicy.model_validate(sandbox_policy(sandbox))


# --- results


def _collect_turn_result(stream: Iterator[Notification], *, turn_id: str) -> TurnResult[Any]:
    """What a turn's events come to.

    Raises:
        TurnFailedError: The turn failed.
        RuntimeError: Its end is not among them.
    """
    return _folded(list(stream), turn_id)


async def _collect_async_turn_result(stream: AsyncIterator[Notification], *, turn_id: str) -> TurnResult[Any]:
    return _folded([event async for event in stream], turn_id)


def _folded(events: list[Notification], turn_id: str) -> TurnResult[Any]:
    from ._incoming.result import TurnCollector, completed_turn

    def is_its(event: Notification) -> bool:
        if event.method == "turn/completed":
            return bool(getattr(completed_turn(event), "id", turn_id) == turn_id)
        return getattr(event.payload, "turn_id", turn_id) == turn_id

    its = [event for event in events if is_its(event)]
    thread_ids = (getattr(event.payload, "thread_id", None) for event in its)
    thread_id = next((str(each) for each in thread_ids if each), "")
    collector = TurnCollector(thread_id, turn_id, is_told=True)
    collector.add(its)
    if not collector.is_complete:
        raise RuntimeError("turn completed event not received")
    return collector.result()


def _final_assistant_response_from_items(items: list[types.ThreadItem]) -> str | None:
    from ._incoming.result import final_response

    return final_response(items)


def _raise_for_failed_turn(turn: types.Turn) -> None:
    from ._incoming.result import raise_if_failed

    raise_if_failed("", turn.id, turn)


def validate_initialize_metadata(payload: types.InitializeResponse) -> types.InitializeResponse:
    """The answer to initialize with its `serverInfo`.

    Raises:
        RuntimeError: It lacks what every runtime says.
    """
    try:
        return payload.with_server_info()
    except ValueError as error:
        raise RuntimeError(str(error)) from error


# --- the runtime's binary


def _installed_codex_path() -> pathlib.Path:
    """Where the packaged runtime is."""
    from pathlib import Path

    from ._launch.binary import packaged_codex_path

    return Path(packaged_codex_path(os.environ))


def _default_codex_bin_resolver_ops() -> CodexBinResolverOps:
    from ._launch.binary import CodexBinResolverOps

    return CodexBinResolverOps(installed_codex_path=_installed_codex_path, path_exists=os.path.exists)


def _resolve_codex_bin(config: CodexConfig) -> pathlib.Path:
    """The binary that a configuration means."""
    from ._launch.binary import resolve_codex_bin

    return resolve_codex_bin(config, _default_codex_bin_resolver_ops())


def _params_dict(params: Any) -> JsonObject:
    """Params by the wire's names."""
    from ._outgoing.requests import fields_of

    return {} if params is None else fields_of(params)


# --- logins of the low-level clients


def start_chatgpt_login(client: Any) -> Any:
    """`Codex.login_chatgpt()` of a client of either kind."""
    from ._sync.accounts import Accounts

    return Accounts.login_chatgpt(client)


def start_device_code_login(client: Any) -> Any:
    """`Codex.login_chatgpt_device_code()` of a client of either kind."""
    from ._sync.accounts import Accounts

    return Accounts.login_chatgpt_device_code(client)


async def async_start_chatgpt_login(codex: Any) -> Any:
    """`AsyncCodex.login_chatgpt()` of a client of either kind."""
    from ._async.accounts import AsyncAccounts

    return await AsyncAccounts.login_chatgpt(codex)


async def async_start_device_code_login(codex: Any) -> Any:
    """`AsyncCodex.login_chatgpt_device_code()` of a client of either kind."""
    from ._async.accounts import AsyncAccounts

    return await AsyncAccounts.login_chatgpt_device_code(codex)


def __getattr__(name: str) -> Any:
    """What the official modules have beside these is public here."""
    import codex_app_server.models
    import codex_app_server.types

    for module in (codex_app_server, codex_app_server.types, codex_app_server.models):
        if name in module.__all__:
            return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _GoalOperationState:
    """Left out, but for its name: a program that follows goals by it runs but for that."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        raise NotImplementedError(
            "openai_codex._goal is left out in this package. Follow goals with thread.goal(), or with "
            "register_goal_operation() of the low-level client."
        )


# --- the low-level client


class RuntimeProcess(Bound):
    """The runtime's process: as much of a `Popen` as programs ask for."""

    __slots__ = ("_native",)

    def __init__(self, native: _native.Connection) -> None:
        self._native = native

    def _standing(self) -> str:
        return client_state(self._native, is_ready=True, was_closed=False)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._native.pid

    def poll(self) -> int | None:
        """The exit code, or the negative number of the signal that has ended it; None while it runs."""
        if not self._native.closed:
            return None
        try:
            self._native.notify("initialized", None)  # says why it has ended
        except TransportClosedError as error:
            if error.exit_code is not None:
                return error.exit_code
            if error.signal is not None:
                return -error.signal
        return 0 if self._native.wait(0) else None

    @property
    def returncode(self) -> int | None:
        """The same."""
        return self.poll()

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait until it has ended, and return what `poll()` says.

        Raises:
            subprocess.TimeoutExpired: It has not after so many seconds.
        """
        if not self._native.wait(timeout):
            from subprocess import TimeoutExpired

            raise TimeoutExpired(f"codex app-server (pid {self.pid})", timeout or 0.0)
        return self.poll()


class SyncView(Bound):
    """What programs take of `AsyncCodexClient._sync`, which officially is a client for threads."""

    __slots__ = ("_client",)

    def __init__(self, client: Any) -> None:
        object.__setattr__(self, "_client", client)

    def _standing(self) -> str:
        return f"of {self._client!r}"

    def __getattr__(self, name: str) -> Any:
        if name in {"_approval_handler", "_default_approval_handler", "_proc", "config", "pid"}:
            return getattr(self._client, name)
        raise AttributeError(
            f"AsyncCodexClient._sync has no {name} in this package: see docs/migration.md. Await the async "
            "client's own methods."
        )

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "_approval_handler":
            raise AttributeError(f"AsyncCodexClient._sync.{name} cannot be set: see docs/migration.md.")
        self._client._approval_handler = value
