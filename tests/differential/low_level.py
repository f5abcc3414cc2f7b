"""What programs do with the low-level clients, goals included. A part of `scenarios`."""

from __future__ import annotations

from typing import Any

from codex_app_server.testing import (
    Answer,
    FunctionCall,
    HttpFailure,
    Message,
    ModelRequest,
    ResponseFailure,
    Script,
    Stall,
)
from tests.differential.session import Session

UNKNOWN = "0199a5c0-1111-7000-8000-000000000001"


def worker(request: ModelRequest) -> str | Answer:
    """A model that works towards goals, each in its own way."""
    objective = request.prompt.partition("<objective>")[2].partition("</objective>")[0].strip()
    if request.tool_outputs:
        return "That was it."
    if objective == "Win.":
        first = len([item for item in request.input if item.get("role") == "assistant"]) == 0
        reached = FunctionCall("update_goal", {"status": "complete"})
        return "On the way." if first else Answer(Message("There."), reached)
    return {
        "Give in.": Answer(FunctionCall("update_goal", {"status": "blocked"})),
        "Fail.": Answer("Half an ans", ResponseFailure("context_length_exceeded")),
        "Spend all.": Answer(HttpFailure(429, type="usage_limit_reached")),
    }.get(objective, Answer(Message("Hm.", phase="commentary"), "On and on", Stall()))


def escaping(request: ModelRequest) -> str | Answer:
    """A model that wants to leave the sandbox in each of its turns."""
    if request.input[-1].get("type") == "function_call_output":
        return "Done."
    wish = {"cmd": "true", "sandbox_permissions": "require_escalated", "justification": "To be sure."}
    return Answer(FunctionCall("exec_command", wish))


SCRIPTS: dict[str, Script] = {
    "reaching_goals": worker,
    "stopping_goals": worker,
    "answering": escaping,
    "failing_at_a_low_level": {
        "long": Answer("Half an ans", ResponseFailure("context_length_exceeded")),
        "wrong": Answer(HttpFailure(400, "No such thing.")),
    },
}


async def ready(s: Session) -> Any:
    """A low-level client that was greeted."""
    client = s.low_level()
    await s.do(client.start())
    await s.do(client.initialize())
    return client


async def using_the_low_level_client(s: Session) -> None:
    client = s.low_level()
    await s.do(client.start())
    s.note(await s.do(client.initialize()))
    begun = await s.do(client.thread_start({"sandbox": "read-only", "approvalPolicy": "never"}))
    thread_id = begun.thread.id
    s.note(begun)
    turn = (await s.do(client.turn_start(thread_id, "Hello.", {"effort": "low"}))).turn
    s.note(turn, await s.do(client.wait_for_turn_completed(turn.id)))
    for given in ("And again.", [{"type": "text", "text": "Once more."}], {"type": "text", "text": "Well?"}):
        turn = (await s.do(client.turn_start(thread_id, given))).turn
        s.note((await s.do(client.wait_for_turn_completed(turn.id))).turn.status)
    async for delta in s.events(client.stream_text(thread_id, "Say it in pieces.")):
        s.note(delta)
    read = {"threadId": thread_id, "includeTurns": False}
    model = s.types.ThreadReadResponse
    s.note(await s.do(client.request("thread/read", read, response_model=model)))
    s.note(
        await s.do(client.request_with_retry_on_overload("thread/read", read, response_model=model)),
        await s.do(client.thread_read(thread_id)),
        await s.do(client.thread_set_name(thread_id, "low")),
        await s.do(client.thread_list({"limit": 1})),
        await s.do(client.model_list(include_hidden=True)),
        await s.do(client.account_read()),
    )
    fork = (await s.do(client.thread_fork(thread_id, {"ephemeral": False}))).thread.id
    s.note((await s.do(client.thread_resume(thread_id))).thread.id == thread_id, fork != thread_id)
    s.note(await s.do(client.thread_archive(thread_id)), await s.do(client.thread_unarchive(thread_id)))
    async with s.noting_errors("refused"):
        await s.do(client.turn_interrupt(thread_id, UNKNOWN))
    await s.do(client.close())
    async with s.noting_errors("used after the end"):
        await s.do(client.thread_read(thread_id))


async def being_misused_at_a_low_level(s: Session) -> None:
    client = s.low_level()
    async with s.noting_errors("asked before the start"):
        await s.do(client.thread_read(UNKNOWN))
    await s.do(client.close())
    await s.do(client.start())
    await s.do(client.start())
    async with s.noting_errors("asked before the greeting"):
        await s.do(client.model_list())
    await s.do(client.initialize())
    async with s.noting_errors("greeted again"):
        await s.do(client.initialize())
    async with s.noting_errors("no params"):
        await s.do(client.request("model/list", None, response_model=s.types.ModelListResponse))
    params = s.v2.ThreadStartParams(sandbox=s.v2.SandboxMode.read_only, cwd=None, ephemeral=True)
    thread_id = (await s.do(client.thread_start(params))).thread.id
    wrong = {"threadId": "other", "input": [], "model": "gpt-5"}
    turn = (await s.do(client.turn_start(thread_id, "Hi.", wrong))).turn
    s.note((await s.do(client.wait_for_turn_completed(turn.id))).turn.status)
    model = s.v2.TurnStartParams(thread_id="other", input=[], model="gpt-5", cwd=None)
    turn = (await s.do(client.turn_start(thread_id, "Hi.", model))).turn
    s.note((await s.do(client.wait_for_turn_completed(turn.id))).turn.status)
    async with s.noting_errors("goal without a file"):
        await s.do(client.start_goal_operation(thread_id, "Win."))
    # After its end it can be started once more.
    await s.do(client.close())
    await s.do(client.start())
    await s.do(client.initialize())
    s.note(len((await s.do(client.model_list())).data) > 0)
    await s.do(client.close())


async def failing_at_a_low_level(s: Session) -> None:
    client = await ready(s)
    thread_id = (await s.do(client.thread_start({}))).thread.id
    async with s.noting_errors("streamed"):
        async for delta in s.events(client.stream_text(thread_id, "long")):
            s.note(delta)
    turn = (await s.do(client.turn_start(thread_id, "wrong"))).turn
    s.note(await s.do(client.wait_for_turn_completed(turn.id)))
    await s.do(client.close())


async def logging_in_at_a_low_level(s: Session) -> None:
    s.settings = ('model_provider="openai"',)
    client = await ready(s)
    s.note(await s.do(client.account_login_start({"type": "apiKey", "apiKey": "sk-not-a-key"})))
    s.note(await s.do(client.account_read({"refreshToken": False})), await s.do(client.account_logout()))
    begun = (await s.do(client.account_login_start({"type": "chatgpt"}))).root
    s.note(await s.do(client.account_login_cancel(begun.login_id)))
    s.note(await s.do(client.wait_for_login_completed(begun.login_id)))
    await s.do(client.close())


async def answering(s: Session) -> None:
    """A handler of the low-level client, which only the official sync one has."""
    asked: list[Any] = []

    def handler(method: str, params: Any) -> Any:
        asked.append([method, params["command"], params["availableDecisions"]])
        return {"decision": "accept" if len(asked) == 1 else "decline"}

    client = s.low_level(approval_handler=handler)
    client.start()
    client.initialize()
    thread_id = client.thread_start({"approvalPolicy": "on-request", "sandbox": "read-only"}).thread.id
    for prompt in ("Do it.", "Do it again."):
        turn = client.turn_start(thread_id, prompt).turn
        read = client.wait_for_turn_completed(turn.id)
        s.note(read.turn.status)
    items = client.thread_read(thread_id, include_turns=True).thread.turns
    s.note([item.root.type for turn in items for item in turn.items], asked)
    client.close()


async def reaching_goals(s: Session) -> None:
    """Goals that end by themselves: reached, blocked, failed, out of quota."""
    client = await ready(s)
    for objective in ("Win.", "Give in.", "Fail.", "Spend all."):
        thread_id = (await s.do(client.thread_start({}))).thread.id
        goal, turn_id = await s.do(client.start_goal_operation(thread_id, objective))
        started = None
        async for event in s.goal_events(client, goal):
            s.note_event(event)
            started = started or event.payload.turn.id
        s.note(turn_id == started)


async def stopping_goals(s: Session) -> None:
    """A goal that is interrupted, and one that is cancelled, with another one after it."""
    client = await ready(s)
    thread_id = (await s.do(client.thread_start({}))).thread.id
    goal, turn_id = await s.do(client.start_goal_operation(thread_id, "Think."))
    async with s.noting_errors("set while another one is at work"):
        await s.do(client.start_goal_operation(thread_id, "Win."))
    async with s.noting_errors("a turn beside it"):
        await s.do(client.turn_start(thread_id, "Hi."))
    paused = False
    async for event in s.goal_events(client, goal):
        s.note_event(event)
        if event.method == "item/completed" and not paused:
            paused = True
            s.note(await s.do(client.pause_goal(thread_id)))
            s.note(await s.do(client.turn_interrupt(thread_id, turn_id)))
    goal, _ = await s.do(client.start_goal_operation(thread_id, "Think again."))
    s.model.wait_for_requests(2)
    s.note(await s.do(client.cancel_goal_operation(goal)))
    async with s.noting_errors("empty"):
        await s.do(client.start_goal_operation(thread_id, ""))
    async with s.noting_errors("nowhere"):
        await s.do(client.start_goal_operation(UNKNOWN, "Win."))


async def hearing_of_everything_else(s: Session) -> None:
    """What belongs to no turn, from the start of the low-level client on."""
    client = await ready(s)
    begun = await s.do(client.thread_start({"sandbox": "read-only"}))
    await s.do(client.thread_set_name(begun.thread.id, "heard"))
    heard: set[str] = set()
    while not {"thread/started", "thread/name/updated"} <= heard:
        event = await s.do(client.next_notification())
        heard.add(event.method)
    await s.do(client.close())


async def having_goals(s: Session) -> None:
    client = await ready(s)
    thread_id = (await s.do(client.thread_start({"sandbox": "read-only"}))).thread.id
    turn = (await s.do(client.turn_start(thread_id, "Hello."))).turn
    await s.do(client.wait_for_turn_completed(turn.id))
    paused = s.v2.ThreadGoalStatus.paused
    s.note(await s.do(client.thread_goal_set(thread_id, objective="Win.", status=paused)))
    s.note(await s.do(client.pause_goal(thread_id)), await s.do(client.thread_goal_clear(thread_id)))
    await s.do(client.close())


SCENARIOS = (
    using_the_low_level_client,
    hearing_of_everything_else,
    having_goals,
    being_misused_at_a_low_level,
    failing_at_a_low_level,
    logging_in_at_a_low_level,
    answering,
    reaching_goals,
    stopping_goals,
)
