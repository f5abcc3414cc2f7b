"""What programs do with parts of the official package that are private there, each as one short program.

A program gets a `Home` and gives back what it came to, without ids: the same on both packages.
"""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import importlib
import subprocess
import threading
from collections.abc import Callable
from typing import Any

import openai_codex

from codex_app_server.testing import OfflineModel, Script
from tests.differential.low_level import UNKNOWN, escaping, worker

Program = Callable[["Home"], Any]

ASKING: dict[str, Any] = {"approvalPolicy": "on-request", "sandbox": "read-only"}


class Home:
    """One package, and the configuration of a runtime.

    Args:
        package: "openai_codex" or "codex_app_server".
        model: The model that the runtime talks to.
    """

    def __init__(self, package: str, model: OfflineModel) -> None:
        self.sdk: Any = importlib.import_module(package)
        self.model = model
        self._package = package

    def module(self, name: str) -> Any:
        """A module of the package."""
        return importlib.import_module(f"{self._package}.{name}")

    def config(self) -> Any:
        """The same configuration for either package."""
        ours = self.model.config()
        fields = dataclasses.fields(openai_codex.CodexConfig)
        return self.sdk.CodexConfig(**{each.name: getattr(ours, each.name) for each in fields})


def _read(client: Any, turn_id: str) -> list[str]:
    """The loop of programs that follow a turn by the official client's queue."""
    client.register_turn_notifications(turn_id)
    methods = []
    try:
        while True:
            event = client.next_turn_notification(turn_id)
            methods.append(event.method)
            if event.method == "turn/completed":
                return methods
    finally:
        client.unregister_turn_notifications(turn_id)


def setting_a_handler(home: Home) -> Any:
    asked = []

    def handler(method: str, params: Any) -> dict[str, str]:
        asked.append([method, sorted({"threadId", "turnId", "command"} & {*params})])
        return {"decision": "accept"}

    with home.sdk.Codex(home.config()) as codex:
        codex._client._approval_handler = handler
        thread_id = codex._client.thread_start(ASKING).thread.id
        result = home.sdk.Thread(codex._client, thread_id).run("Go.")
        return [asked, result.status.value, result.final_response]


def setting_a_handler_that_asks_the_loop(home: Home) -> Any:
    """Officially an async client's handler is a function that is called on a thread."""
    asked = []

    async def decide(method: str) -> dict[str, str]:
        asked.append(method)
        return {"decision": "decline"}

    async def main() -> Any:
        loop = asyncio.get_running_loop()
        codex = home.sdk.AsyncCodex(home.config())

        def handler(method: str, params: Any) -> dict[str, str]:
            assert threading.current_thread() is not threading.main_thread()
            return asyncio.run_coroutine_threadsafe(decide(method), loop).result(30)

        assert callable(codex._client._sync._approval_handler)
        codex._client._sync._approval_handler = handler
        async with codex:
            thread_id = (await codex._client.thread_start(ASKING)).thread.id
            result = await home.sdk.AsyncThread(codex, thread_id).run("Go.")
            return [asked, result.status.value]

    return asyncio.run(main())


def handling_requests_in_a_subclass(home: Home) -> Any:
    asked = []

    class Client(home.module("client").CodexClient):  # type: ignore[misc]
        def _handle_server_request(self, msg: Any) -> Any:
            asked.append([msg["method"], sorted({"id", "params"} & {*msg})])
            return {"decision": "accept"} if len(asked) == 1 else super()._handle_server_request(msg)

    with Client(home.config(), lambda method, params: {"decision": "decline"}) as client:
        client.initialize()
        thread_id = client.thread_start(ASKING).thread.id
        ends = []
        for _ in range(2):
            turn = client.turn_start(thread_id, "Go.").turn
            ends.append(client.wait_for_turn_completed(turn.id).turn.status.value)
        return [asked, ends]


def calling_the_low_level_client(home: Home) -> Any:
    v2 = home.module("generated.v2_all")
    with home.sdk.Codex(home.config()) as codex:
        client = codex._client
        client.start()
        thread_id = client.thread_start({"sandbox": "read-only"}).thread.id
        turn = client.turn_start(thread_id, "One.").turn
        done = client.wait_for_turn_completed(turn.id).turn.status.value
        params = {"threadId": thread_id, "includeTurns": True}
        read = client.request("thread/read", params, response_model=v2.ThreadReadResponse)
        deltas = [delta.delta for delta in client.stream_text(thread_id, "Two.")]
        key = client.account_login_start({"type": "apiKey", "apiKey": "sk-test"})
        account = client.account_read().account
        client.thread_set_name(thread_id, "Named.")
        return [
            client is codex._client,
            done,
            len(read.thread.turns),
            "".join(deltas),
            type(key.root).__name__,
            type(getattr(account, "root", None)).__name__,
            client.thread_read(thread_id).thread.name,
            client.thread_resume(thread_id, {}).thread.id == thread_id,
            bool(client.model_list().data),
        ]


def calling_the_low_level_async_client(home: Home) -> Any:
    v2 = home.module("generated.v2_all")

    class Codex(home.sdk.AsyncCodex):  # type: ignore[misc, name-defined]
        async def rename(self, thread_id: str, name: str) -> Any:
            await self._ensure_initialized()
            return await self._client.thread_set_name(thread_id, name)

    async def main() -> Any:
        codex = Codex(home.config())
        await codex._ensure_initialized()
        thread_id = (await codex._client.thread_start({"sandbox": "read-only"})).thread.id
        turn = (await codex._client.turn_start(thread_id, "One.")).turn
        handle = home.sdk.AsyncTurnHandle(codex, thread_id, turn.id)
        same = handle._codex is codex
        done = (await codex._client.wait_for_turn_completed(turn.id)).turn.status.value
        await codex.rename(thread_id, "Named.")
        params = {"threadId": thread_id, "includeTurns": False}
        read = await codex._client.request("thread/read", params, response_model=v2.ThreadReadResponse)
        await codex.close()
        return [same, done, read.thread.name]

    return asyncio.run(main())


def looking_at_the_process(home: Home) -> Any:
    codex = home.sdk.Codex(home.config())
    process = codex._client._proc
    before = [process.pid > 0, process.poll()]
    codex.close()
    process.wait(timeout=30)
    return [before, process.poll() is not None, codex._client._proc]


def following_turns_by_their_queues(home: Home) -> Any:
    """What a program that gives work to others does: the turn was accepted, and must run."""
    with home.module("client").CodexClient(home.config()) as client:
        client.initialize()
        thread_id = client.thread_start({"ephemeral": True}).thread.id
        turn = client.turn_start(thread_id, "Work.").turn
        methods = _read(client, turn.id)
        over = []
        for ask in (client.next_turn_notification, client.unregister_turn_notifications):
            try:
                over.append(ask(turn.id))
            except RuntimeError:
                over.append("not registered")
        second = client.turn_start(thread_id, "More.").turn
        end = ""
        while end != "turn/completed":  # without registering: the client that has started it, has it
            end = client.next_turn_notification(second.id).method
        client.unregister_turn_notifications(second.id)
        return [sorted(methods), methods[0], over]


def waiting_for_a_registered_turn(home: Home) -> Any:
    with home.module("client").CodexClient(home.config()) as client:
        client.initialize()
        thread_id = client.thread_start({}).thread.id
        turn = client.turn_start(thread_id, "Work.").turn
        client.register_turn_notifications(turn.id)
        first = client.next_turn_notification(turn.id).method
        return [first, client.wait_for_turn_completed(turn.id).turn.status.value]


def following_a_goal_by_its_queue(home: Home) -> Any:
    v2 = home.module("generated.v2_all")
    with home.module("client").CodexClient(home.config()) as client:
        client.initialize()
        thread_id = client.thread_start({}).thread.id
        state = client.register_goal_operation(thread_id)
        client.thread_goal_set(thread_id, objective="Win.", status=v2.ThreadGoalStatus.active)
        completed = 0
        while completed < 1:
            completed += client.next_goal_notification(state).method == "turn/completed"
        client.unregister_goal_operation(state)
        return completed


def waiting_for_a_login_by_its_queue(home: Home) -> Any:
    with home.module("client").CodexClient(home.config()) as client:
        client.initialize()
        login = client.account_login_start({"type": "chatgpt"}).root
        client.register_login_notifications(login.login_id)
        client.account_login_cancel(login.login_id)
        event = client.next_login_notification(login.login_id)
        client.unregister_login_notifications(login.login_id)
        return [event.method, event.payload.success]


def asking_for_a_login_that_is_over(home: Home) -> Any:
    v2 = home.module("generated.v2_all")
    params = {"type": "chatgpt"}
    with home.module("client").CodexClient(home.config()) as client:
        client.initialize()
        kept = client.account_login_start(params).root.login_id  # gives way to the next one
        login = client.request("account/login/start", params, response_model=v2.LoginAccountResponse).root
        client.account_login_cancel(login.login_id)
        client.account_login_start({"type": "apiKey", "apiKey": "sk-test"})
        event = client.next_notification()
        while event.method != "account/login/completed":  # of the key: the others' are no news for all
            event = client.next_notification()
        ends = [client.wait_for_login_completed(each).success for each in (login.login_id, kept)]
        client.unregister_login_notifications(login.login_id)
        return [event.payload.login_id, ends]


def reading_what_came_before(home: Home) -> Any:
    """Notifications of no turn, from before anybody has asked for the low-level client."""
    with home.sdk.Codex(home.config()) as codex:
        codex.thread_start(ephemeral=True)
        heard: list[str] = []
        while not heard or heard[-1] != "thread/started":
            heard.append(codex._client.next_notification().method)
        return len(heard) > 0


def waiting_until_a_thread_is_idle(home: Home) -> Any:
    """How a program waits for the end of a compaction."""

    async def main() -> Any:
        async with home.sdk.AsyncCodex(home.config()) as codex:
            thread = await codex.thread_start()
            await thread.run("One.")
            client = codex._client
            await thread.compact()
            seen: list[str] = []
            while "idle" not in seen[seen.index("active") :] if "active" in seen else True:
                event = await asyncio.wait_for(client.next_notification(), timeout=30)
                if event.method == "thread/status/changed":
                    seen.append(event.payload.status.root.type)
            return seen[-1]

    return asyncio.run(main())


def making_clients_by_hand(home: Home) -> Any:
    codex = home.sdk.Codex.__new__(home.sdk.Codex)
    codex._client = home.module("client").CodexClient(home.config())
    codex._client.start()
    codex._init = home.module("api").validate_initialize_metadata(codex._client.initialize())
    with codex:
        return [bool(codex._init.serverInfo.version), codex.thread_start().run("Hi.").final_response]


def making_handles_before_the_start(home: Home) -> Any:
    async def main() -> Any:
        codex = home.sdk.AsyncCodex(home.config())
        handle = home.sdk.AsyncTurnHandle(codex, UNKNOWN, UNKNOWN)
        thread = home.sdk.AsyncThread(codex, UNKNOWN)
        try:
            raised = []
            for ask in (handle.interrupt, lambda: handle.steer("More."), thread.read):
                try:
                    await ask()
                except home.sdk.CodexError as error:
                    raised.append(isinstance(error, home.sdk.InvalidRequestError))
            return [handle.id == thread.id, raised]
        finally:
            await codex.close()

    return asyncio.run(main())


def keeping_a_thread_only(home: Home) -> Any:
    """Programs hand threads around and reach for the client by them."""

    def thread() -> Any:
        codex = home.sdk.Codex(home.config())
        return home.sdk.Thread(codex._client, codex._client.thread_start(ASKING).thread.id)

    kept = thread()
    gc.collect()
    asked = []

    def handler(name: str) -> Any:
        def handle(method: str, params: Any) -> dict[str, str]:
            asked.append(name)
            return {"decision": "decline"}

        return handle

    kept._client._approval_handler = handler("first")
    kept._client._approval_handler = handler("second")
    turn = kept._client.turn_start(kept.id, "Go.").turn
    kept._client.register_turn_notifications(turn.id)
    methods: list[str] = []
    while not methods or methods[-1] != "turn/completed":
        methods.append(kept._client.next_turn_notification(turn.id).method)
    heard = [kept._client.next_notification().method for _ in range(4)]
    kept._client.close()
    return [asked, methods[0], len(heard)]


def keeping_a_thread_of_a_client_of_ones_own(home: Home) -> Any:
    asked = []

    class Client(home.module("client").CodexClient):  # type: ignore[misc]
        def _handle_server_request(self, msg: Any) -> Any:
            asked.append(msg["method"])
            return {"decision": "decline"}

    def by_hand() -> Any:
        client = Client(home.config())
        client.start()
        client.initialize()
        return home.sdk.Thread(client, client.thread_start(ASKING).thread.id)

    def adopted() -> Any:
        codex = home.sdk.Codex.__new__(home.sdk.Codex)
        codex._client = Client(home.config())
        codex._client.start()
        codex._init = home.module("api").validate_initialize_metadata(codex._client.initialize())
        return home.sdk.Thread(codex._client, codex._client.thread_start(ASKING).thread.id)

    ends = []
    for make in (by_hand, adopted):
        thread = make()
        gc.collect()
        ends.append([thread.run("Go.").status.value, type(thread._client).__name__])
        thread._client.close()
    return [asked, ends]


def collecting_one_of_two_turns(home: Home) -> Any:
    run = home.module("_run")
    with home.sdk.Codex(home.config()) as codex:
        thread = codex.thread_start()
        turns = [thread.turn("One.")]
        events = [[*turns[0].stream()]]
        turns.append(thread.turn("Two."))
        events.append([*turns[1].stream()])
        mixed = [*events[0][:-1], *events[1], events[0][-1]]
        return [len(run._collect_turn_result(iter(mixed), turn_id=turn.id).items) for turn in turns]


def taking_handles_apart(home: Home) -> Any:
    """They are dataclasses officially."""

    def names(one: Any) -> list[str]:
        return [each.name for each in dataclasses.fields(one) if each.init]

    async def main() -> Any:
        codex = home.sdk.AsyncCodex(home.config())
        handle = home.sdk.AsyncTurnHandle(codex, UNKNOWN, UNKNOWN)
        others = [
            dataclasses.replace(handle, id="another"),
            dataclasses.replace(home.sdk.AsyncThread(codex, UNKNOWN), id="another"),
        ]
        await codex.close()
        return [[each.id, each._codex is codex, names(each)] for each in others]

    with home.sdk.Codex(home.config()) as codex:
        thread = codex.thread_start()
        another = dataclasses.replace(thread, id="another")
        turn = home.sdk.TurnHandle(codex._client, UNKNOWN, UNKNOWN)
        login = home.module("_login").ChatgptLoginHandle(codex._client, "login", "https://there.example")
        handles = [thread, turn, login]
        return [
            another.id,
            another._client is codex._client,
            [[names(each), type(each).__match_args__] for each in handles],
            asyncio.run(main()),
        ]


def waiting_for_the_process(home: Home) -> Any:
    codex = home.sdk.Codex(home.config())
    process = codex._client._proc
    try:
        return process.wait(timeout=0.01)
    except subprocess.TimeoutExpired as error:
        return error.timeout
    finally:
        codex.close()


def using_private_helpers(home: Home) -> Any:
    api, sdk = home.module("api"), home.sdk
    inputs, modes = home.module("_inputs"), home.module("_approval_mode")
    sandbox, run = home.module("_sandbox"), home.module("_run")
    client = home.module("client")
    text = inputs._normalize_run_input("Hi.")
    policy, reviewer = modes._approval_mode_settings(sdk.ApprovalMode.auto_review)
    never, nobody = modes._approval_mode_settings(sdk.ApprovalMode.deny_all)
    with sdk.Codex(home.config()) as codex:
        turn = codex.thread_start().turn("Hi.")
        result = run._collect_turn_result(turn.stream(), turn_id=turn.id)
    try:
        run._collect_turn_result(iter([]), turn_id="u")
    except RuntimeError as error:
        missing = str(error)
    return [
        type(text).__name__,
        inputs._to_wire_input(text),
        inputs._to_wire_input([sdk.ImageInput("data:,"), sdk.MentionInput("a", "app://a")]),
        policy.model_dump(mode="json"),
        reviewer.value,
        never.model_dump(mode="json"),
        nobody,
        [getattr(sandbox._sandbox_mode(each), "value", None) for each in (None, *sdk.Sandbox)],
        sandbox._sandbox_policy(sdk.Sandbox.read_only).model_dump(mode="json", exclude_none=True)["type"],
        modes._approval_mode_override_settings(None),
        result.final_response,
        missing,
        client._resolve_codex_bin(sdk.CodexConfig()) == client._installed_codex_path(),
        api.ReasoningEffort.high.value,
        api.CodexClient is client.CodexClient,
        client.ModelT.__name__,
    ]


# With the model's script.
PROGRAMS: dict[Program, Script] = {
    setting_a_handler: escaping,
    setting_a_handler_that_asks_the_loop: escaping,
    handling_requests_in_a_subclass: escaping,
    calling_the_low_level_client: "Done.",
    calling_the_low_level_async_client: "Done.",
    looking_at_the_process: "Done.",
    following_turns_by_their_queues: "Done.",
    waiting_for_a_registered_turn: "Done.",
    following_a_goal_by_its_queue: worker,
    waiting_for_a_login_by_its_queue: "Done.",
    asking_for_a_login_that_is_over: "Done.",
    reading_what_came_before: "Done.",
    waiting_until_a_thread_is_idle: "Done.",
    making_clients_by_hand: "Done.",
    making_handles_before_the_start: "Done.",
    keeping_a_thread_only: escaping,
    keeping_a_thread_of_a_client_of_ones_own: escaping,
    collecting_one_of_two_turns: "Done.",
    taking_handles_apart: "Done.",
    waiting_for_the_process: "Done.",
    using_private_helpers: "Done.",
}
