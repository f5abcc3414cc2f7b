"""Programs that reach for what is private in the official package come to the same here."""

from __future__ import annotations

import gc
import importlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from codex_app_server import AsyncCodex, AsyncThread, Codex, CodexConfig, InvalidInputTypeError
from codex_app_server._official_names import LEFT_OUT as LEFT_OUT_OF_CLIENTS
from codex_app_server.async_client import AsyncCodexClient
from codex_app_server.client import CodexClient
from codex_app_server.models import JsonObject
from codex_app_server.requests import ServerRequest
from codex_app_server.testing import OfflineModel
from tests.differential.low_level import escaping
from tests.differential.private_programs import ASKING, PROGRAMS, Home, Program
from tests.peer import ScriptedPeer, event, started

# The official client leaves its pipes to the collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <_io:pytest.PytestUnraisableExceptionWarning"
)

OFFICIAL, OURS = "openai_codex", "codex_app_server"
# What our own module is about: programs have no use for it.
LEFT_OUT = {
    "client": {"CheckoutCapabilities", "MessageRouter", "NOTIFICATION_MODELS", "require_runtime_version"},
    "models": {"NotificationPayload"},
}
MODULES = ("", "api", "client", "async_client", "types", "errors", "retry", "models")


@pytest.fixture(scope="module")
def model() -> Iterator[OfflineModel]:
    with OfflineModel() as model:
        yield model


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_a_program_comes_to_the_same_on_both_packages(program: Program, model: OfflineModel) -> None:
    came_to = []
    for package in (OFFICIAL, OURS):
        model.reset(PROGRAMS[program])
        came_to.append(program(Home(package, model)))
    official, ours = came_to
    assert ours == official


def names_of(module: ModuleType) -> set[str]:
    """What programs can import from an official module that is its own or another one's of its package."""
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not isinstance(value, ModuleType)
        and ("[" in name or str(getattr(value, "__module__", OFFICIAL)).startswith((OFFICIAL, "types")))
    }


@pytest.mark.parametrize("name", MODULES)
def test_what_a_module_has_from_elsewhere_is_found_in_ours(name: str) -> None:
    official = importlib.import_module(f"{OFFICIAL}.{name}".rstrip("."))
    ours = importlib.import_module(f"{OURS}.{name}".rstrip("."))
    wanted = names_of(official) | {*getattr(official, "__all__", ())}
    assert {each for each in wanted if not hasattr(ours, each)} == LEFT_OUT.get(name, set())


def test_private_modules_are_found_under_both_names_and_cost_nothing_before() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import codex_app_server, sys\n"
            "costly = {'pydantic', 'openai_codex._inputs', 'codex_app_server._inputs'}\n"
            "assert not costly & {*sys.modules}, costly & {*sys.modules}\n"
            "codex_app_server.install_as_openai_codex()\n"
            "from openai_codex._inputs import RunInput, _normalize_run_input\n"
            "import openai_codex._inputs, codex_app_server._inputs\n"
            "assert openai_codex._inputs is codex_app_server._inputs\n"
            "try:\n"
            "    import openai_codex._message_router\n"
            "except ModuleNotFoundError as error:\n"
            "    print(error.name)\n",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "openai_codex._message_router\n"


def test_what_is_left_out_says_so() -> None:
    with pytest.raises(NotImplementedError, match="Follow goals with"):
        importlib.import_module(f"{OURS}._goal")._GoalOperationState(thread_id="t")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(f"{OURS}._message_router")


def test_what_is_left_out_of_an_async_clients_sync_client_is_not_found() -> None:
    view: Any = AsyncCodex()._client._sync
    for name in ("model_list", "request", "_router", "start"):
        with pytest.raises(AttributeError, match=f"_sync has no {name} in this package"):
            getattr(view, name)


def test_a_client_of_a_runtime_that_was_made_by_hand_is_made_anew_for_its_threads() -> None:
    def thread() -> AsyncThread:
        codex = AsyncCodex.__new__(AsyncCodex)
        codex._client = AsyncCodexClient()
        return AsyncThread(codex, "t")

    assert isinstance(thread()._codex, AsyncCodex)


def private_names_of(official: Any) -> set[str]:
    return {each for each in {*dir(official), *vars(official)} if not each.startswith("__")}


def test_what_is_left_out_of_the_low_level_clients_is_all_that_they_have_beside_ours() -> None:
    left_out = set()
    for module, name in (("client", "CodexClient"), ("async_client", "AsyncCodexClient")):
        official = getattr(importlib.import_module(f"{OFFICIAL}.{module}"), name)()
        ours = getattr(importlib.import_module(f"{OURS}.{module}"), name)()
        left_out |= {each for each in private_names_of(official) if not hasattr(ours, each)}
    assert left_out == LEFT_OUT_OF_CLIENTS


@pytest.mark.parametrize(
    "name", ["request", "_handle_server_request", "_default_approval_handler", *sorted(LEFT_OUT_OF_CLIENTS)]
)
def test_what_would_be_passed_over_cannot_be_set(name: str) -> None:
    for client in (CodexClient(), AsyncCodexClient(), AsyncCodex()._client):
        with pytest.raises(AttributeError, match="cannot be set in this package"):
            setattr(client, name, lambda *_: None)
        assert name not in vars(client)


def test_a_method_of_a_clients_low_level_client_cannot_be_set_and_what_is_a_programs_own_can() -> None:
    for client in (CodexClient(), AsyncCodexClient()):
        client.model_list = None  # type: ignore[assignment, method-assign]
        client.name = "mine"
    client = AsyncCodex()._client
    client.name = "mine"
    with pytest.raises(AttributeError, match="model_list cannot be set"):
        client.model_list = None  # type: ignore[assignment, method-assign]


@pytest.mark.parametrize("base", [CodexClient, AsyncCodexClient])
@pytest.mark.parametrize("name", ["request", "_write_message", "_request_raw"])
def test_what_would_be_passed_over_cannot_be_overridden(base: type, name: str) -> None:
    mixed_in = type("Tracing", (), {name: lambda *_: None})
    for bases, methods in (((base,), {name: lambda *_: None}), ((mixed_in, base), {})):
        with pytest.raises(InvalidInputTypeError, match=rf"Traced\.{name} cannot be overridden"):
            type("Traced", bases, methods)
    type("Quiet", (base,), {"thread_start": lambda *_: None, "_own": None})


def test_the_start_of_an_async_client_cannot_be_overridden() -> None:
    with pytest.raises(InvalidInputTypeError, match=r"Eager\._ensure_initialized cannot be overridden"):

        class Eager(AsyncCodex):
            async def _ensure_initialized(self) -> None: ...


def test_a_turn_whose_queue_is_let_go_leaves_nothing_behind(model: OfflineModel) -> None:
    model.reset("Done.")
    with CodexClient(model.config()) as client:
        client.initialize()
        thread_id = client.thread_start({}).thread.id
        for _ in range(3):
            turn = client.turn_start(thread_id, "Hi.").turn
            client.register_turn_notifications(turn.id)
            while client.next_turn_notification(turn.id).method != "turn/completed":
                pass
            client.unregister_turn_notifications(turn.id)
        forgotten = client.turn_start(thread_id, "Hi.").turn
        client.unregister_turn_notifications(forgotten.id)
        stats = client._runtime.stats()
        assert (client._turns, client._runtime.connection.unclaimed) == ({}, {})
        assert stats["turns_routed"] <= 1  # what runs on is not followed


def test_two_threads_that_register_a_turn_share_its_events(
    peer: ScriptedPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.answers.update({"turn/start": started("u"), "model/list": {"data": [], "nextCursor": None}})
    with CodexClient(CodexConfig(launch_args_override=peer.argv)) as client:
        client.initialize()
        client.turn_start("t", "Hi.")
        peer.send(event("turn/started", "t", "u"), event("turn/completed", "t", "u"))
        client.model_list()  # answered behind them
        subscribe = client._connection.subscribe
        second = threading.Thread(target=client.register_turn_notifications, args=("u",))
        is_inside = threading.Event()

        def interrupted(thread_id: str, turn_id: str) -> Any:
            if threading.current_thread() is second:
                subscription = subscribe(thread_id, turn_id)
                is_inside.set()
                return subscription
            second.start()
            is_inside.wait(0.2)  # it comes in at once, or not at all
            return subscribe(thread_id, turn_id)

        monkeypatch.setattr(client._connection, "subscribe", interrupted)
        client.register_turn_notifications("u")
        second.join(10)
        methods = [client.next_turn_notification("u", timeout_s=10).method for _ in range(2)]
        assert methods == ["turn/started", "turn/completed"]


def test_the_handler_is_asked_behind_whoever_else_serves(model: OfflineModel) -> None:
    model.reset(escaping)
    asked: list[str] = []

    def handler(method: str, params: JsonObject | None) -> JsonObject:
        asked.append(method)
        return {"decision": "decline"}

    with Codex(model.config()) as codex:
        codex._client._approval_handler = handler
        thread = codex._client.thread_start(ASKING).thread
        with codex.requests() as requests:
            turn = codex._client.turn_start(thread.id, "Go.").turn
            next(iter(requests)).refuse()
            assert codex._client.wait_for_turn_completed(turn.id).turn.id == turn.id
        assert asked == []
        turn = codex._client.turn_start(thread.id, "Go.").turn
        codex._client.wait_for_turn_completed(turn.id)
        assert asked == ["item/commandExecution/requestApproval"]


def test_a_client_that_nobody_has_any_more_is_found_though_its_low_level_client_was_asked_for(
    model: OfflineModel,
) -> None:
    model.reset("Done.")

    def forget() -> None:
        codex = Codex(model.config())
        codex._client._approval_handler = lambda method, params: {}

    with pytest.warns(ResourceWarning, match="unclosed Codex runtime"):
        forget()


def test_a_client_whose_handler_is_a_method_of_its_owner_is_found(model: OfflineModel) -> None:
    model.reset("Done.")

    class Robot:
        def __init__(self) -> None:
            self.codex = Codex(model.config(), on_request=self.answer)
            self.codex._client._approval_handler = self.handle

        def answer(self, request: ServerRequest) -> None: ...

        def handle(self, method: str, params: JsonObject | None) -> JsonObject:
            return {}

    before = {*threading.enumerate()}
    robots = [Robot()]
    (at_work,) = (each for each in {*threading.enumerate()} - before if each.name == "codex-handler")

    def forget() -> None:
        robots.clear()
        gc.collect()

    with pytest.warns(ResourceWarning, match="unclosed Codex runtime"):
        forget()
    at_work.join(10)
    assert not at_work.is_alive()
