"""Functions as tools on the real runtime: who answers a call, with what, and what the model reads of it.

The offline model calls them. What the runtime makes of tools by itself is in `docs/design/tools.md`; names,
schemas and texts without a runtime are in `tests/python/test_tools.py` and `test_tool_schemas.py`.
"""

from __future__ import annotations

import asyncio  # async only
import base64
import json
import threading
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from pydantic import Field

from codex_app_server import (
    AsyncCodex,
    AsyncThread,
    CodexConfig,
    CodexError,
    InvalidInputError,
    InvalidInputTypeError,
)
from codex_app_server.requests import ToolCall
from codex_app_server.testing import Answer, FunctionCall, ModelRequest, OfflineModel
from codex_app_server.tools import Image, Tool, ToolContext, ToolError, tool
from codex_app_server.types import TurnStatus
from tests.api._async.asking import Handler, reply, silent, states
from tests.api._async.concurrency import Background, Marks, together
from tests.asked import CALL, CALL_METHOD, ask
from tests.asked import config as scripted
from tests.peer import ScriptedPeer
from tests.wishes import once, program

# One dark red pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGPoZmAAAAGlAIwe+jwqAAAAAElFTkSuQmCC"
)
PRIVATE = "not for the model"


@tool
async def look_up(word: str, limit: Annotated[int, Field(ge=1)] = 3) -> list[str]:
    """Look a word up in the dictionary.

    Args:
        word: The word.
        limit: How many meanings at most.
    """
    return [f"{word}: a book", f"{word}: a manuscript"][:limit]


@tool
async def who(context: ToolContext[AsyncCodex]) -> str:
    """Say who calls."""
    return f"thread {context.thread_id}"


def calling(name: str = "look_up", **arguments: Any) -> Callable[[ModelRequest], str | Answer]:
    """A script: every turn calls this tool, and then says what came of it."""
    return once(FunctionCall(name, arguments))


def shown(model: OfflineModel, number: int = 1) -> str:
    """What the model was shown of tools in its request of this number."""
    return json.dumps(model.requests[number - 1].input[0], ensure_ascii=False)


def read(model: OfflineModel) -> Any:
    """What the model has read last of a tool."""
    outputs = [item for item in model.requests[-1].input if item["type"] == "function_call_output"]
    return outputs[-1]["output"]


# --- a call and its result


async def test_a_function_is_offered_called_and_its_value_comes_back(model: OfflineModel) -> None:
    model.reset(calling(word="codex", limit=1))
    handler = Handler(lambda request: request.refuse())
    async with AsyncCodex(model.config(), on_request=handler, tools=[look_up]) as codex:
        thread = await codex.thread_start()
        async with codex.requests(ToolCall):
            result = await thread.run("Go.")
    assert result.final_response == '["codex: a book"]'
    (item,) = [item.root for item in result.items if item.root.type == "dynamicToolCall"]
    assert (item.tool, item.success, item.arguments) == ("look_up", True, {"word": "codex", "limit": 1})
    assert result.request_errors == ()
    # A tool is asked first, and nobody besides.
    assert handler.asked == []
    for told in (
        "Look a word up in the dictionary.",
        "The word.",
        "At least 1. Default: 3.",
        "limit?: number",
    ):
        assert told in shown(model)


async def test_a_plain_function_on_a_thread_is_a_tool_of_that_thread_alone(model: OfflineModel) -> None:
    def depth(berth: str) -> float:
        """Tell how deep it is at a berth."""
        return 4.5

    model.reset(calling("depth", berth="B2"))
    async with AsyncCodex(model.config()) as codex:
        first = await codex.thread_start(tools=[depth])
        assert (await first.run("Go.")).final_response == "4.5"
        second = await codex.thread_start()
        assert (await second.run("Go.")).final_response == "unsupported call: depth"


async def test_a_tool_is_called_from_a_program_of_the_models(model: OfflineModel) -> None:
    model.reset(once(program("look_up({word: 'codex', limit: 1})")))
    async with AsyncCodex(model.config(), tools=[look_up]) as codex:
        result = await (await codex.thread_start()).run("Go.")
    assert result.final_response is not None
    assert result.final_response.endswith('["codex: a book"]')


async def test_a_thread_has_its_own_tool_in_place_of_the_clients_of_that_name(model: OfflineModel) -> None:
    @tool(name="look_up")
    async def other(word: str) -> str:
        """Look it up elsewhere."""
        return "elsewhere"

    model.reset(calling(word="codex"))
    async with AsyncCodex(model.config(), tools=[look_up, who]) as codex:
        own = await codex.thread_start(tools=[other])
        assert (await own.run("Go.")).final_response == "elsewhere"
        assert "Look it up elsewhere." in shown(model)
        assert "in the dictionary" not in shown(model)
        assert "Say who calls." in shown(model)
        model.reset(calling(word="codex", limit=1))
        common = await codex.thread_start()
        assert (await common.run("Go.")).final_response == '["codex: a book"]'


async def test_a_client_without_a_handler_is_asked_for_nothing_else(
    model: OfflineModel, caplog: pytest.LogCaptureFixture
) -> None:
    model.reset(calling("unserved"))
    unserved = {"type": "function", "name": "unserved", "description": "", "inputSchema": {"type": "object"}}
    async with AsyncCodex(model.config(), tools=[look_up]) as codex:
        begun = await codex.rpc.thread.start(dynamic_tools=[unserved])
        result = await AsyncThread(codex, begun.thread.id).run("Go.")
    assert result.final_response == "No handler is registered for this request."
    assert "no handler answers it" in caplog.text
    caplog.clear()


async def test_a_handler_gets_the_calls_of_tools_that_nobody_serves(model: OfflineModel) -> None:
    unserved = {"type": "function", "name": "unserved", "description": "", "inputSchema": {"type": "object"}}
    handler = Handler(lambda request: request.succeed("by hand"))
    model.reset(once(FunctionCall("unserved", {}), FunctionCall("look_up", {"word": "x", "limit": 1})))
    async with AsyncCodex(model.config(), on_request=handler, tools=[look_up]) as codex:
        begun = await codex.rpc.thread.start(dynamic_tools=[unserved, look_up.spec])
        await AsyncThread(codex, begun.thread.id).run("Go.")
    assert [request.tool for request in handler.asked] == ["unserved"]
    assert model.requests[-1].tool_outputs == ("by hand", '["x: a book"]')


async def test_a_tool_in_a_namespace_is_none_of_the_programs(peer: ScriptedPeer) -> None:
    handler = Handler(lambda request: request.succeed("by hand"))
    async with AsyncCodex(scripted(peer), on_request=handler, tools=[look_up]):
        ask(peer, 0, CALL_METHOD, CALL, namespace="library")
        by_hand = (await reply(peer))["result"]
        assert by_hand["contentItems"] == [{"type": "inputText", "text": "by hand"}]
        ask(peer, 1, CALL_METHOD, CALL)
        by_tool = (await reply(peer))["result"]
        assert "a manuscript" in by_tool["contentItems"][0]["text"]


# --- contents


async def test_an_image_reaches_the_model_as_an_image(model: OfflineModel) -> None:
    @tool
    async def chart(topic: str) -> list[Any]:
        """Draw a chart."""
        return [f"Of {topic}:", Image(PNG)]

    model.reset([Answer(FunctionCall("chart", {"topic": "tides"})), "Red."])
    async with AsyncCodex(model.config(), tools=[chart]) as codex:
        result = await (await codex.thread_start()).run("Go.")
    assert result.final_response == "Red."
    text, image = read(model)
    assert text == {"type": "input_text", "text": "Of tides:"}
    assert image["type"] == "input_image"
    assert image["image_url"] == "data:image/png;base64," + base64.b64encode(PNG).decode()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        ("", ""),
        (None, "null"),
        (True, "true"),
        ({"b": [1, 2.5]}, '{"b":[1,2.5]}'),
        ([], "[]"),
        ("line\nbreak \U0001f600", "line\nbreak \U0001f600"),
    ],
)
async def test_a_value_is_read_as_text_or_json(value: Any, text: str, model: OfflineModel) -> None:
    @tool
    async def give() -> Any:
        """Give it."""
        return value

    model.reset(calling("give"))
    async with AsyncCodex(model.config(), tools=[give]) as codex:
        await (await codex.thread_start()).run("Go.")
    assert read(model) == text


async def test_a_result_of_48000_bytes_is_whole_and_a_longer_one_is_cut(model: OfflineModel) -> None:
    @tool
    async def long(size: int) -> str:
        """Say much."""
        return "x" * size

    async with AsyncCodex(model.config(), tools=[long]) as codex:
        thread = await codex.thread_start()
        for size, whole in ((48_000, True), (48_001, False)):
            model.reset(calling("long", size=size))
            await thread.run("Go.")
            assert (read(model) == "x" * size) is whole
    assert "truncated" in read(model)


# --- failures


async def test_the_model_corrects_arguments_that_do_not_fit(model: OfflineModel) -> None:
    def script(request: ModelRequest) -> str | Answer:
        if not request.tool_outputs:
            return Answer(FunctionCall("look_up", {"word": "codex", "limit": "many", "colour": "red"}))
        told = request.tool_outputs[-1]
        if told.startswith("The call of look_up failed"):
            assert "- limit: Input should be a valid integer" in told
            assert "- colour: Extra inputs are not permitted" in told
            return Answer(FunctionCall("look_up", {"word": "codex", "limit": 1}))
        return told

    model.reset(script)
    async with AsyncCodex(model.config(), tools=[look_up]) as codex:
        result = await (await codex.thread_start()).run("Go.")
    assert states(result, "dynamicToolCall") == ["failed", "completed"]
    assert result.final_response == '["codex: a book"]'
    # The model's mistake is none of the program's.
    assert result.request_errors == ()


async def test_a_tool_error_is_what_the_model_reads(model: OfflineModel) -> None:
    @tool
    async def find(word: str) -> str:
        """Find a word."""
        raise ToolError(f"There is no {word!r}. Try its singular.")

    model.reset(calling("find", word="codices"))
    async with AsyncCodex(model.config(), tools=[find]) as codex:
        result = await (await codex.thread_start()).run("Go.")
    assert states(result, "dynamicToolCall") == ["failed"]
    assert result.final_response == "There is no 'codices'. Try its singular."
    assert result.request_errors == ()


async def test_the_text_of_an_exception_stays_in_the_program(
    model: OfflineModel, caplog: pytest.LogCaptureFixture
) -> None:
    @tool
    async def leak() -> str:
        """Open the vault."""
        raise PermissionError(f"refused for {PRIVATE}")

    model.reset(calling("leak"))
    async with AsyncCodex(model.config(), tools=[leak]) as codex:
        result = await (await codex.thread_start()).run("Go.")
    assert result.final_response == "The tool leak failed with PermissionError."
    assert states(result, "dynamicToolCall") == ["failed"]
    assert not [request for request in model.requests if PRIVATE.encode() in request.content]
    (error,) = result.request_errors
    assert isinstance(error.__cause__, PermissionError)
    assert str(error.__cause__) == f"refused for {PRIVATE}"
    assert "tool leak" in str(error)
    assert PRIVATE in caplog.text  # in the program's own log, with the traceback
    caplog.clear()


async def test_a_value_that_json_cannot_hold_fails_the_call(
    model: OfflineModel, caplog: pytest.LogCaptureFixture
) -> None:
    class Vault:
        def __repr__(self) -> str:
            return PRIVATE

    @tool
    async def give() -> Any:
        """Give it."""
        return Vault()

    model.reset(calling("give"))
    async with AsyncCodex(model.config(), tools=[give]) as codex:
        result = await (await codex.thread_start()).run("Go.")
    assert result.final_response == "The tool give failed with InvalidInputTypeError."
    (error,) = result.request_errors
    assert isinstance(error.__cause__, InvalidInputTypeError)
    assert not [request for request in model.requests if PRIVATE.encode() in request.content]
    caplog.clear()


# --- the end of a call before it is answered


class Waiting:
    """A tool that waits until its call is cancelled."""

    def __init__(self) -> None:
        self.marks = Marks()
        self.contexts: list[ToolContext[AsyncCodex]] = []
        self.tool = Tool(self._wait, name="wait_long")

    async def _wait(self, context: ToolContext[AsyncCodex]) -> str:
        """Wait."""
        self.contexts.append(context)
        assert not context.cancelled
        await self.marks.reach("called")
        try:  # async only
            await asyncio.sleep(50)  # async only
        except asyncio.CancelledError:  # async only
            assert context.cancelled  # async only
            await self.marks.reach("cancelled")  # async only
            raise  # async only
        # sync only: assert context.wait_cancelled(50)
        # sync only: assert context.cancelled
        # sync only: self.marks.reach("cancelled")
        return "too late"


async def test_an_interrupt_cancels_the_call(model: OfflineModel) -> None:
    waiting = Waiting()
    model.reset(calling("wait_long"))
    async with AsyncCodex(model.config(), tools=[waiting.tool]) as codex:
        turn = await (await codex.thread_start()).turn("Go.")
        await waiting.marks.wait("called")
        await turn.interrupt()
        await waiting.marks.wait("cancelled")
        result = await turn.run()
    assert result.status is TurnStatus.interrupted
    assert states(result, "dynamicToolCall") == ["failed"]
    assert result.request_errors == ()


async def test_a_function_sees_that_its_call_is_cancelled(model: OfflineModel) -> None:
    seen: list[bool] = []
    called, over = threading.Event(), threading.Event()

    def stand(context: ToolContext[AsyncCodex]) -> str:
        """Stand."""
        seen.append(context.cancelled)
        seen.append(context.wait_cancelled(0))
        called.set()
        seen.append(context.wait_cancelled(50))
        seen.append(context.cancelled)
        over.set()
        return "too late"

    model.reset(calling("stand"))
    async with AsyncCodex(model.config(), tools=[stand]) as codex:
        turn = await (await codex.thread_start()).turn("Go.")
        assert await asyncio.to_thread(called.wait, 50)  # async only
        # sync only: assert called.wait(50)
        await turn.interrupt()
        assert await asyncio.to_thread(over.wait, 50)  # async only
        # sync only: assert over.wait(50)
        assert (await turn.run()).request_errors == ()
    assert seen == [False, False, True, True]


@pytest.mark.parametrize("timeout_s", [0.05, 1])
async def test_a_call_that_takes_too_long_fails_and_the_turn_goes_on(
    timeout_s: float, model: OfflineModel, caplog: pytest.LogCaptureFixture
) -> None:
    waiting = Waiting()
    waiting.tool = Tool(waiting._wait, name="wait_long", timeout_s=timeout_s)
    model.reset(calling("wait_long"))
    async with AsyncCodex(model.config(), tools=[waiting.tool]) as codex:
        result = await (await codex.thread_start()).run("Go.")
        await waiting.marks.wait("cancelled")
    assert result.status is TurnStatus.completed
    assert result.final_response == f"The tool wait_long took longer than {timeout_s:g} s."
    (error,) = result.request_errors
    assert f"took longer than {timeout_s:g} s" in str(error)
    caplog.clear()


async def test_a_turn_that_ends_before_its_call_cancels_it(model: OfflineModel) -> None:
    waiting = Waiting()
    # The model does not wait for its program, and has no more to say.
    model.reset([Answer(program("wait_long({})", yields_after_ms=100)), "Never mind."])
    async with AsyncCodex(model.config(), tools=[waiting.tool]) as codex:
        result = await (await codex.thread_start()).run("Go.")
        assert result.final_response == "Never mind."
        await waiting.marks.wait("cancelled")
    assert result.request_errors == ()


async def test_closing_the_client_cancels_the_call(model: OfflineModel) -> None:
    waiting = Waiting()
    model.reset(calling("wait_long"))
    codex = AsyncCodex(model.config(), tools=[waiting.tool])
    thread = await codex.thread_start()
    running = Background(lambda: thread.run("Go."))
    await waiting.marks.wait("called")
    await codex.close()
    await waiting.marks.wait("cancelled")
    with pytest.raises(CodexError):
        await running.result()


async def test_a_client_that_nobody_closes_is_found_though_its_tools_know_it(peer: ScriptedPeer) -> None:
    codex = AsyncCodex(scripted(peer), tools=[who])
    await codex.thread_start(tools=[look_up])
    ask(peer, 0, CALL_METHOD, CALL, tool="who", arguments={})
    assert (await reply(peer))["result"]["success"] is True
    native = codex._runtime.connection.native
    with pytest.warns(ResourceWarning, match="with"):
        del codex
    assert native.wait(20)


# --- contexts


async def test_a_context_says_whose_call_it_is(model: OfflineModel) -> None:
    seen: list[ToolContext[AsyncCodex]] = []

    async def keep(context: ToolContext[AsyncCodex], fact: str) -> str:
        """Keep a fact."""
        seen.append(context)
        return fact

    model.reset(calling("keep", fact="tides"))
    async with AsyncCodex(model.config(), tools=[keep]) as codex:
        thread = await codex.thread_start()
        result = await thread.run("Go.")
        (context,) = seen
        assert context.client is codex
        assert (context.thread_id, context.turn_id) == (thread.id, result.id)
        assert (context.call_id, context.tool) == ("call_1_1", "keep")
        assert context.cancelled  # answered: nobody waits for it any more
    assert "keep(args: { fact: string; })" in shown(model)


async def test_a_tool_runs_a_turn_of_its_own(model: OfflineModel) -> None:
    async def ask_another(context: ToolContext[AsyncCodex], question: str) -> str | None:
        """Ask another agent."""
        thread = await context.client.thread_start(ephemeral=True)
        return (await thread.run(question)).final_response

    def script(request: ModelRequest) -> str | Answer:
        depth = int(request.prompt)
        if depth == 3 or request.tool_outputs:
            return f"{depth} " + "".join(request.tool_outputs)
        return Answer(FunctionCall("ask_another", {"question": str(depth + 1)}))

    model.reset(script)
    async with AsyncCodex(model.config(), tools=[ask_another], max_concurrent_requests=1) as codex:
        result = await (await codex.thread_start()).run("0")
    assert result.final_response == "0 1 2 3 "


# --- how many at once


async def test_fifty_threads_have_their_calls_answered_at_once(model: OfflineModel) -> None:
    marks = Marks()
    here: list[str] = []

    @tool
    async def meet(context: ToolContext[AsyncCodex], number: int) -> int:
        """Meet the others."""
        here.append(context.thread_id)
        if len(here) == 50:
            await marks.reach("all")
        # Nobody goes before all are here.
        await marks.wait("all")
        return number * number

    model.reset(
        lambda request: (
            request.tool_outputs[-1]
            if request.tool_outputs
            else Answer(FunctionCall("meet", {"number": int(request.prompt)}))
        )
    )
    async with AsyncCodex(model.config(), tools=[meet]) as codex:

        async def one(number: int) -> str | None:
            thread = await codex.thread_start(ephemeral=True)
            return (await thread.run(str(number))).final_response

        def job(number: int) -> Callable[[], Any]:
            return lambda: one(number)

        answers = await together(*(job(number) for number in range(50)))
    assert answers == [str(number * number) for number in range(50)]
    assert len(set(here)) == 50


async def test_calls_of_one_thread_come_one_after_the_other(model: OfflineModel) -> None:
    at_work: list[int] = []
    most: list[int] = []

    @tool
    async def step(number: int) -> int:
        """Make a step."""
        at_work.append(number)
        most.append(len(at_work))
        await codex.models()
        at_work.remove(number)
        return number

    model.reset(once(*(FunctionCall("step", {"number": number}) for number in range(10))))
    async with AsyncCodex(model.config(), tools=[step]) as codex:
        await (await codex.thread_start()).run("Go.")
    assert most == [1] * 10
    assert model.requests[-1].tool_outputs == tuple(map(str, range(10)))


def agent_of(request: ModelRequest) -> str:
    """The agent whose request it is: `/root`, `/root/depth1`, ..."""
    return str(json.loads(request.headers["x-codex-turn-metadata"])["agent_name"])


def spawning(depth: int, tool: str, fork_turns: str = "all") -> Callable[[ModelRequest], str | Answer]:
    """A script: agents that start each other, `depth` deep, each of which calls a tool after that."""

    def script(request: ModelRequest) -> str | Answer:
        at = agent_of(request).count("depth")
        made = [item["name"] for item in request.input if item["type"] == "function_call"]
        if at < depth and "spawn_agent" not in made:
            task = f"depth{at + 1}"
            wish = {"message": task, "task_name": task, "fork_turns": fork_turns}
            return Answer(FunctionCall("spawn_agent", wish, namespace="collaboration"))
        if tool not in made:
            return Answer(FunctionCall(tool, {}))
        if at < depth and "wait_agent" not in made:
            return Answer(FunctionCall("wait_agent", {"timeout_ms": 20_000}, namespace="collaboration"))
        return f"Done at {at}."

    return script


def outputs_of(model: OfflineModel, agent: str) -> list[str]:
    """What an agent has read of the tools that it has called, at last."""
    last = [request for request in model.requests if agent_of(request) == agent][-1]
    return [item["output"] for item in last.input if item["type"] == "function_call_output"]


async def test_a_limit_of_one_is_one_call_of_a_conversation_at_a_time(model: OfflineModel) -> None:
    marks = Marks()
    begun: list[str] = []

    @tool
    async def hold(context: ToolContext[AsyncCodex]) -> str:
        """Hold."""
        begun.append(context.thread_id)
        await marks.reach(f"{len(begun)} begun")
        await marks.wait("go on")
        return "held"

    model.reset(spawning(1, "hold"))
    async with AsyncCodex(model.config(), tools=[hold], max_concurrent_requests=1) as codex:
        thread = await codex.thread_start()
        running = Background(lambda: thread.run("Go."))
        await marks.wait("1 begun")
        # The call of the other one of the two, root and sub-agent, is there and waits.
        while len(codex.pending_requests()) < 2:
            await codex.models()
        assert len(begun) == 1
        # Another conversation has a limit of its own.
        model.reset(calling("hold"))
        other = await codex.thread_start()
        elsewhere = Background(lambda: other.run("Go."))
        await marks.wait("2 begun")
        assert begun[1] == other.id
        await marks.reach("go on")
        assert (await elsewhere.result()).final_response == "held"
        await running.result()
    assert len(set(begun)) == 3


# --- sub-agents


@pytest.mark.parametrize("of_client", [True, False])
async def test_a_sub_agent_calls_the_tools_of_its_root(of_client: bool, model: OfflineModel) -> None:
    model.reset(spawning(2, "who"))
    tools = [who]
    async with AsyncCodex(model.config(), tools=tools if of_client else ()) as codex:
        thread = await codex.thread_start(tools=() if of_client else tools)
        result = await thread.run("Go.")
        assert result.final_response == "Done at 0."
    called = [outputs_of(model, agent) for agent in ("/root", "/root/depth1", "/root/depth1/depth2")]
    (root,), (child,), (grandchild,) = (
        [output for output in outputs if output.startswith("thread ")] for outputs in called
    )
    assert root == f"thread {thread.id}"
    # Each is told its own thread.
    assert len({root, child, grandchild}) == 3


async def test_a_sub_agent_without_its_parents_turns_has_no_tools(model: OfflineModel) -> None:
    model.reset(spawning(1, "who", fork_turns="none"))
    async with AsyncCodex(model.config(), tools=[who]) as codex:
        thread = await codex.thread_start()
        await thread.run("Go.")
    assert f"thread {thread.id}" in outputs_of(model, "/root")
    assert outputs_of(model, "/root/depth1") == ["unsupported call: who"]


# --- threads that are resumed and forked


async def stored(model: OfflineModel, *tools: Callable[..., Any]) -> str:
    """The id of a thread that was started with these tools, by a client that is gone."""
    model.reset("Hello.")
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start(tools=tools)
        await thread.run("Hi.")
        return thread.id


@pytest.mark.parametrize("of_client", [True, False])
@pytest.mark.parametrize("method", ["thread_resume", "thread_fork"])
async def test_a_stored_thread_is_served_by_a_new_client(
    method: str, of_client: bool, model: OfflineModel
) -> None:
    thread_id = await stored(model, look_up, who)
    model.reset(calling(word="codex", limit=1))
    tools = [look_up]
    async with AsyncCodex(model.config(), tools=tools if of_client else ()) as codex:
        thread = await getattr(codex, method)(thread_id, tools=() if of_client else tools)
        result = await thread.run("Go.")
    assert result.final_response == '["codex: a book"]'


async def test_a_stored_thread_is_resumed_without_its_tools(
    model: OfflineModel, caplog: pytest.LogCaptureFixture
) -> None:
    thread_id = await stored(model, look_up)
    model.reset(calling(word="codex"))
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_resume(thread_id)
        result = await thread.run("Go.")
        # Nobody serves; the model is told, and the turn goes on.
        assert result.final_response == "No handler is registered for this request."
        caplog.clear()
        # Later, when somebody does.
        again = await codex.thread_resume(thread_id, tools=[look_up])
        assert (await again.run("Go.")).final_response == '["codex: a book", "codex: a manuscript"]'.replace(
            ", ", ","
        )


async def test_a_clients_tools_never_keep_a_thread_from_being_resumed(model: OfflineModel) -> None:
    thread_id = await stored(model)
    model.reset(calling(word="codex"))
    async with AsyncCodex(model.config(), tools=[look_up]) as codex:
        for thread in (await codex.thread_resume(thread_id), await codex.thread_fork(thread_id)):
            assert (await thread.run("Go.")).final_response == "unsupported call: look_up"


@pytest.mark.parametrize("method", ["thread_resume", "thread_fork"])
async def test_a_tool_that_a_stored_thread_has_not_is_refused_before_anything_is_done(
    method: str, model: OfflineModel
) -> None:
    thread_id = await stored(model, who)
    async with AsyncCodex(model.config()) as codex:
        with pytest.raises(InvalidInputError, match=rf"{thread_id} was started without look_up, and"):
            await getattr(codex, method)(thread_id, tools=[who, look_up])
        assert (await codex.rpc.thread.loaded.list()).data == []
        assert len((await codex.thread_list()).data) == 1
        # Nothing is left of it: the thread is opened as if nothing had been.
        model.reset(calling("who"))
        thread = await getattr(codex, method)(thread_id, tools=[who])
        assert (await thread.run("Go.")).final_response == f"thread {thread.id}"


async def test_a_fork_has_the_tools_of_its_source(model: OfflineModel) -> None:
    @tool(name="who")
    async def somebody() -> str:
        """Say who calls."""
        return "somebody"

    async with AsyncCodex(model.config()) as codex:
        source = await codex.thread_start(tools=[who, look_up])
        await source.run("Hi.")
        model.reset(calling("who"))
        fork = await codex.thread_fork(source.id)
        assert (await fork.run("Go.")).final_response == f"thread {fork.id}"
        # With a function of its own for one of them; the other one stays.
        other = await codex.thread_fork(source.id, tools=[somebody])
        assert (await other.run("Go.")).final_response == "somebody"
        model.reset(calling(word="codex", limit=1))
        assert (await other.run("Go.")).final_response == '["codex: a book"]'
        model.reset(calling("who"))
        assert (await source.run("Go.")).final_response == f"thread {source.id}"


async def test_a_thread_that_is_loaded_gets_another_function_for_its_tool(model: OfflineModel) -> None:
    @tool(name="who")
    async def somebody() -> str:
        """Say who calls."""
        return "somebody"

    async with AsyncCodex(model.config(), tools=[who]) as codex:
        thread = await codex.thread_start()
        await thread.run("Hi.")
        model.reset(calling("who"))
        resumed = await codex.thread_resume(thread.id, tools=[somebody])
        assert (await resumed.run("Go.")).final_response == "somebody"
        with pytest.raises(InvalidInputError, match="without look_up"):
            await codex.thread_resume(thread.id, tools=[look_up])


@pytest.mark.parametrize("path", [None, "/nowhere/rollout.jsonl"])
async def test_a_thread_whose_tools_cannot_be_told_is_resumed_with_a_warning(
    path: str | None, peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    peer.answers["thread/read"] = {"thread": {"id": "t", "path": path}}
    async with AsyncCodex(scripted(peer)) as codex:
        await codex.thread_resume("t", tools=[look_up])
        assert "Whether thread t has the tools ['look_up'] cannot be told" in caplog.text
        caplog.clear()
        # It has them now, as far as this client knows.
        await codex.thread_resume("t", tools=[look_up])
        assert caplog.text == ""
        ask(peer, 0, CALL_METHOD, CALL)
        assert (await reply(peer))["result"]["success"] is True


# --- what is refused


def test_tools_need_the_experimental_api() -> None:
    with pytest.raises(InvalidInputError, match="experimental_api=True"):
        AsyncCodex(CodexConfig(experimental_api=False), tools=[look_up])


async def test_a_threads_tools_need_the_experimental_api(peer: ScriptedPeer) -> None:
    peer.answers["thread/start"] = {"thread": {"id": "t"}}
    config = CodexConfig(launch_args_override=peer.argv, experimental_api=False)
    async with AsyncCodex(config, tools=[]) as codex:
        for method, arguments in (("thread_start", ()), ("thread_resume", ("t",)), ("thread_fork", ("t",))):
            with pytest.raises(InvalidInputError, match="experimental_api=True"):
                await getattr(codex, method)(*arguments, tools=[look_up])
        await codex.thread_start(tools=[])
        assert peer.received == 0


@pytest.mark.parametrize(
    ("tools", "error", "reason"),
    [
        (look_up, InvalidInputTypeError, "must be a list of functions, not Tool"),
        ("look_up", InvalidInputTypeError, "must be a list of functions, not str"),
        ({"look_up": look_up}, InvalidInputTypeError, "must be a list of functions, not dict"),
        (["look_up"], InvalidInputTypeError, "made of a function, not of str"),
        ([look_up, look_up], InvalidInputError, "Two tools have the name 'look_up'"),
        ([lambda: 1], InvalidInputError, "'<lambda>' is none"),
    ],
)
async def test_what_is_no_list_of_tools_is_refused_before_anything_is_sent(
    tools: Any, error: type[Exception], reason: str, peer: ScriptedPeer
) -> None:
    with pytest.raises(error, match=reason):
        AsyncCodex(tools=tools)
    async with AsyncCodex(scripted(peer)) as codex:
        del peer.answers["thread/start"], peer.answers["thread/resume"]
        for method, arguments in (("thread_start", ()), ("thread_resume", ("t",)), ("thread_fork", ("t",))):
            with pytest.raises(error, match=reason):
                await getattr(codex, method)(*arguments, tools=tools)
        await silent(peer, codex)


async def test_a_threads_tool_must_not_look_like_one_of_the_clients(peer: ScriptedPeer) -> None:
    @tool(name="look-up")
    async def alike() -> None:
        """Look up."""

    async with AsyncCodex(scripted(peer), tools=[look_up]) as codex:
        del peer.answers["thread/start"]
        with pytest.raises(InvalidInputError, match="'look_up' and 'look-up' under one name"):
            await codex.thread_start(tools=[alike])
        await silent(peer, codex)
