"""What programs do with either package, each thing written once.

A scenario gets a `Session` and keeps notes; `SCRIPTS` has what the model says to it. `child` runs them, on
each package and on both of its clients.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

from codex_app_server.testing import (
    Answer,
    Disconnect,
    FunctionCall,
    HttpFailure,
    Incomplete,
    Message,
    ModelRequest,
    Reasoning,
    ResponseFailure,
    Script,
    Stall,
)
from tests.differential import low_level
from tests.differential.session import Session

Scenario = Callable[[Session], Awaitable[None]]

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
UNKNOWN = "0199a5c0-1111-7000-8000-000000000001"


def guarded(request: ModelRequest) -> str | Answer:
    """A model that wants to leave the sandbox once, and a reviewer that lets it."""
    if request.kind == "guardian":
        verdict = {"risk_level": "low", "user_authorization": "high", "outcome": "allow", "rationale": "-"}
        return json.dumps(verdict)
    if request.tool_outputs:
        return "Done."
    wish = {"cmd": "true", "sandbox_permissions": "require_escalated", "justification": "To be sure."}
    return Answer(FunctionCall("exec_command", wish))


SCRIPTS: dict[str, Script] = {
    **low_level.SCRIPTS,
    "streaming": [
        Answer(
            Reasoning(["Let me ", "look."]),
            Message("Looking around.", phase="commentary"),
            FunctionCall("exec_command", {"cmd": "echo hello"}),
        ),
        Answer(Message("It says hello.", phase="final_answer")),
    ],
    "turns_side_by_side": [Answer("One ", Stall(), "and two."), Answer("Three ", Stall(), "and four.")],
    # The runtime turns to the new input at once, so the first answer never ends.
    "steering": [Answer("Thinking", Stall()), "With pleasure."],
    "interrupting": Answer("On and on", Stall()),
    "reviewing": guarded,
    "denying": [
        Answer(FunctionCall("exec_command", {"cmd": "touch /etc/forbidden"})),
        "It is not allowed.",
    ],
    "failing": {
        "limit": Answer(HttpFailure(429, type="usage_limit_reached")),
        "long": Answer("Half an ans", ResponseFailure("context_length_exceeded")),
        "drop": Answer("Half an ans", Disconnect()),
        "short": Answer("Half an ans", Incomplete()),
        "wrong": Answer(HttpFailure(400, "No such thing.")),
    },
}


def _is_message(event: Any) -> bool:
    return bool(event.method == "item/completed" and event.payload.item.root.type == "agentMessage")


async def starting_and_ending(s: Session) -> None:
    thread = await s.do(s.codex.thread_start())
    s.note(s.codex.metadata, thread.id)
    result = await s.do(thread.run("Hello there."))
    s.note(result)
    s.note([type(item.root).__name__ for item in result.items])
    await s.do(s.codex.close())
    await s.do(s.codex.close())


async def streaming(s: Session) -> None:
    thread = await s.do(
        s.codex.thread_start(sandbox=s.sdk.Sandbox.full_access, approval_mode=s.sdk.ApprovalMode.deny_all)
    )
    turn = await s.do(thread.turn("Say hello in a shell."))
    s.note(turn.thread_id == thread.id, turn.id)
    await s.note_stream(turn)


async def turns_side_by_side(s: Session) -> None:
    threads = [await s.do(s.codex.thread_start()) for _ in range(2)]
    turns = []
    for number, thread in enumerate(threads, start=1):
        turns.append(await s.do(thread.turn(f"This is {number}.")))
        s.model.wait_for_requests(number)
    s.model.release()
    streams = [turn.stream().__aiter__() if s.is_async else iter(turn.stream()) for turn in turns]
    events: list[list[Any]] = [[], []]
    while streams != [None, None]:
        for number, stream in enumerate(streams):
            if stream is None:
                continue
            try:
                event = await stream.__anext__() if s.is_async else next(stream)
            except (StopIteration, StopAsyncIteration):
                streams[number] = None
            else:
                events[number].append(event)
    for one in events:
        for event in one:
            s.note_event(event)


async def steering(s: Session) -> None:
    thread = await s.do(s.codex.thread_start())
    turn = await s.do(thread.turn("Tell me a story."))
    steered = False
    async for event in s.events(turn.stream()):
        s.note_event(event)
        if _is_message(event) and not steered:
            steered = True
            s.note(await s.do(turn.steer("A short one, please.")))
    async with s.noting_errors("steered too late"):
        await s.do(turn.steer([s.sdk.TextInput("Too late.")]))


async def interrupting(s: Session) -> None:
    thread = await s.do(s.codex.thread_start())
    turn = await s.do(thread.turn("Never stop."))
    interrupted = False
    async for event in s.events(turn.stream()):
        s.note_event(event)
        if _is_message(event) and not interrupted:
            interrupted = True
            s.note(await s.do(turn.interrupt()))
    thread = await s.do(s.codex.thread_start())
    again = await s.do(thread.turn("And again."))
    s.model.wait_for_requests(2)
    await s.do(again.interrupt())
    result = await s.do(again.run())
    s.note(result.status, result.error, result.id == again.id)


async def forking(s: Session) -> None:
    thread = await s.do(s.codex.thread_start())
    async with s.noting_errors("forked without a message"):
        await s.do(s.codex.thread_fork(thread.id))
    await s.do(thread.run("Our common past."))
    fork = await s.do(s.codex.thread_fork(thread.id, include_turns=False, ephemeral=False))
    s.note(fork.id != thread.id, await s.do(fork.run("My own future.")))
    s.note(await s.do(fork.read(include_turns=True)))


async def archiving(s: Session) -> None:
    thread = await s.do(s.codex.thread_start())
    await s.do(thread.run("Keep this."))
    s.note(await s.do(s.codex.thread_archive(thread.id)))
    s.note(await s.do(s.codex.thread_list(archived=True)))
    back = await s.do(s.codex.thread_unarchive(thread.id))
    s.note(back.id == thread.id, await s.do(s.codex.thread_list(archived=False)))


async def resuming(s: Session) -> None:
    # As it is resumed: the official package leaves a loaded thread as it is, whatever is asked.
    thread = await s.do(
        s.codex.thread_start(
            developer_instructions="Be brief.",
            sandbox=s.sdk.Sandbox.read_only,
            approval_mode=s.sdk.ApprovalMode.deny_all,
        )
    )
    await s.do(thread.run("My name is Ada."))
    for include_turns in (None, True, False):
        resumed = await s.do(
            s.codex.thread_resume(
                thread.id,
                include_turns=include_turns,
                developer_instructions="Be brief.",
                sandbox=s.sdk.Sandbox.read_only,
                approval_mode=s.sdk.ApprovalMode.deny_all,
            )
        )
        s.note(resumed.id == thread.id)
    s.note(await s.do(resumed.run("What is my name?")))


async def naming_reading_compacting(s: Session) -> None:
    thread = await s.do(s.codex.thread_start())
    s.note(await s.do(thread.set_name("errands")), await s.do(thread.read()))
    await s.do(thread.run("Remember the milk."))
    s.note(await s.do(thread.read(include_turns=True)))
    s.note(await s.do(thread.compact()))
    s.model.wait_for_requests(2)


async def listing(s: Session) -> None:
    for prompt in ("Suggest a boat.", "Suggest a car."):
        await s.do((await s.do(s.codex.thread_start())).run(prompt))
    types, home = s.types, str(s.model.workspace)
    for filters in (
        {},
        {"limit": 1, "sort_direction": types.SortDirection.asc, "sort_key": types.ThreadSortKey.created_at},
        {"search_term": "boat"},
        {"cwd": types.ThreadListCwdFilter(root=[home, "/elsewhere"])},
        {"cwd": types.ThreadListCwdFilter(root="/elsewhere")},
        {"model_providers": ["offline"], "source_kinds": [types.ThreadSourceKind("appServer")]},
        {"model_providers": ["another"]},
        {"source_kinds": [types.ThreadSourceKind("exec")], "use_state_db_only": True},
        {"archived": True, "section_id": "none"},
    ):
        async with s.noting_errors("filtered"):
            s.note(await s.do(s.codex.thread_list(**filters)))
    page = await s.do(s.codex.thread_list(limit=1))
    # What is on it depends on whether both were started within one second.
    await s.do(s.codex.thread_list(limit=1, cursor=page.next_cursor))


async def inputs(s: Session) -> None:
    picture, skill = s.model.workspace / "picture.png", s.model.workspace / "SKILL.md"
    picture.write_bytes(PIXEL)
    skill.write_text("---\nname: rhyme\ndescription: Rhymes.\n---\nRhyme everything.\n")
    url = f"data:image/png;base64,{base64.b64encode(PIXEL).decode()}"
    sdk = s.sdk
    item = s.v2.FunctionCallOutputContentItem.model_validate({"type": "input_text", "text": "Gale warning."})
    for given in (
        "A plain text.",
        sdk.TextInput("A text."),
        sdk.ImageInput(url),
        sdk.LocalImageInput(str(picture)),
        sdk.SkillInput("rhyme", str(skill)),
        sdk.MentionInput("files", "app://files"),
        [sdk.TextInput("Which one?"), sdk.LocalImageInput(str(picture)), sdk.ImageInput(url)],
        sdk.ExternalMessage("weather", "Gale warning."),
        sdk.ExternalMessage("weather", [item], namespace="harbour"),
        sdk.ExternalMessage("weather", [{"type": "input_text", "text": "Gale warning."}]),
    ):
        thread = await s.do(s.codex.thread_start(ephemeral=True))
        async with s.noting_errors(type(given).__name__):
            s.note(await s.do(thread.run(given)))


async def options(s: Session) -> None:
    v2, types, home = s.v2, s.types, str(s.model.workspace)
    thread = await s.do(
        s.codex.thread_start(
            approval_mode=s.sdk.ApprovalMode.deny_all,
            base_instructions="Be a boat.",
            config={"model_reasoning_effort": "low", "a_b": {"c_d": None}},
            cwd=home,
            developer_instructions="Rhyme.",
            ephemeral=True,
            model="gpt-5",
            model_provider="offline",
            personality=types.Personality.pragmatic,
            sandbox=s.sdk.Sandbox.workspace_write,
            service_name="harbour",
            session_start_source=types.ThreadStartSource.startup,
            thread_source=types.ThreadSource("user"),
        )
    )
    turn = await s.do(
        thread.turn(
            "All at once.",
            approval_mode=s.sdk.ApprovalMode.auto_review,
            cwd=home,
            effort=v2.ReasoningEffort("high"),
            model="gpt-5.4",
            output_schema={
                "type": "object",
                "properties": {"a_b": {"type": "string"}},
                "required": ["a_b"],
                "additionalProperties": False,
            },
            personality=types.Personality.friendly,
            sandbox=s.sdk.Sandbox.read_only,
            service_tier="flex",
            source="test",
            summary=types.ReasoningSummary.model_validate("auto"),
            turn_service_tier="priority",
        )
    )
    await s.note_stream(turn)


async def sandboxes_and_modes(s: Session) -> None:
    for preset in s.sdk.Sandbox:
        for mode in (s.sdk.ApprovalMode.deny_all, s.sdk.ApprovalMode.auto_review):
            thread = await s.do(s.codex.thread_start(sandbox=preset, approval_mode=mode))
            s.note(await s.do(thread.run("Hi.", sandbox=preset, approval_mode=mode)))
            await s.do(s.codex.thread_fork(thread.id, sandbox=preset, approval_mode=mode))
            await s.do(s.codex.thread_resume(thread.id, sandbox=preset, approval_mode=mode))
    async with s.noting_errors("no such mode"):
        await s.do(s.codex.thread_start(approval_mode="denyAll"))
    async with s.noting_errors("no mode"):
        await s.do(s.codex.thread_start(approval_mode=None))


async def reviewing(s: Session) -> None:
    thread = await s.do(s.codex.thread_start())
    await s.note_stream(await s.do(thread.turn("Do it.")))


async def denying(s: Session) -> None:
    thread = await s.do(
        s.codex.thread_start(sandbox=s.sdk.Sandbox.read_only, approval_mode=s.sdk.ApprovalMode.deny_all)
    )
    result = await s.do(thread.run("Do it."))
    # Of a command that ends at once the runtime tells only sometimes.
    types = [item.root.type for item in result.items if item.root.type != "commandExecution"]
    s.note(result.final_response, result.status, types)


async def failing(s: Session) -> None:
    for prompt in ("limit", "long", "drop", "short", "wrong"):
        thread = await s.do(s.codex.thread_start())
        async with s.noting_errors(prompt):
            await s.do(thread.run(prompt))
        thread = await s.do(s.codex.thread_start())
        await s.note_stream(await s.do(thread.turn(prompt)))


async def refused(s: Session) -> None:
    for use in (s.codex.thread_resume, s.codex.thread_fork, s.codex.thread_archive, s.codex.thread_unarchive):
        for thread_id in (UNKNOWN, "not an id"):
            async with s.noting_errors(f"{use.__name__} {thread_id}"):
                await s.do(use(thread_id))
    thread = await s.do(s.codex.thread_start())
    async with s.noting_errors("read too early"):
        await s.do(thread.read(include_turns=True))
    owner = s.codex if s.is_async else s.codex._client
    stranger = s.named("Thread")(owner, UNKNOWN)
    for use in (stranger.read, stranger.compact):
        async with s.noting_errors(use.__name__):
            await s.do(use())
    async with s.noting_errors("run"):
        await s.do(stranger.run("Hi."))
    async with s.noting_errors("set_name"):
        await s.do(stranger.set_name("x"))
    async with s.noting_errors("too long"):
        await s.do(thread.run("x" * 1_048_577))
    handle = s.named("TurnHandle")(owner, thread.id, UNKNOWN)
    async with s.noting_errors("interrupt"):
        await s.do(handle.interrupt())
    async with s.noting_errors("steer"):
        await s.do(handle.steer("Hi."))


async def models(s: Session) -> None:
    s.note(await s.do(s.codex.models()))
    hidden = await s.do(s.codex.models(include_hidden=True))
    s.note(hidden, [type(one).__name__ for one in hidden.data])


async def handles(s: Session) -> None:
    """Threads and turns that are made from ids, compared and shown."""
    owner = s.codex if s.is_async else s.codex._client
    thread = s.named("Thread")(owner, (await s.do(s.codex.thread_start())).id)
    turn = await s.do(thread.turn("Hi."))
    await s.note_stream(turn)
    same = s.named("Thread")(owner, thread.id)
    s.note(same == thread, thread.id in repr(thread), turn.id in repr(turn))


async def logging_in_with_a_key(s: Session) -> None:
    s.settings = ('model_provider="openai"',)  # the offline one needs no account, and so has none
    s.note(await s.do(s.codex.account()))
    s.note(await s.do(s.codex.login_api_key("sk-not-a-key")))
    s.note(await s.do(s.codex.account()), await s.do(s.codex.account(refresh_token=False)))
    s.note(await s.do(s.codex.logout()), await s.do(s.codex.account()))


async def logging_in_with_a_browser(s: Session) -> None:
    login = await s.do(s.codex.login_chatgpt())
    s.note(login.login_id, login.auth_url.partition("?")[0], login.login_id in repr(login))
    s.note(await s.do(login.cancel()), await s.do(login.wait()))
    s.note(await s.do(login.cancel()))


# Scenarios of the sync client that the async one cannot play.
SYNC_ONLY = {"answering"}

# The runtime's own server for the way back from the browser has one port for all.
ONE_AT_A_TIME = {"logging_in_with_a_browser", "logging_in_at_a_low_level"}

HOME_OF_ITS_OWN = {
    "archiving",
    "listing",
    "logging_in_at_a_low_level",
    "logging_in_with_a_key",
    "using_the_low_level_client",
}

SCENARIOS: dict[str, Scenario] = {
    scenario.__name__: scenario
    for scenario in (
        starting_and_ending,
        streaming,
        turns_side_by_side,
        steering,
        interrupting,
        forking,
        archiving,
        resuming,
        naming_reading_compacting,
        listing,
        inputs,
        options,
        sandboxes_and_modes,
        reviewing,
        denying,
        failing,
        refused,
        models,
        handles,
        logging_in_with_a_key,
        logging_in_with_a_browser,
        *low_level.SCENARIOS,
    )
}
