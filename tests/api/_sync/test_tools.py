# Made from _async/test_tools.py by `python scripts/make_sync.py`; do not edit.

"""Functions as tools on the real runtime: who answers a call, with what, and what the model reads of it.

The offline model calls them. What the runtime makes of tools by itself is in `docs/design/tools.md`; names,
schemas and texts without a runtime are in `tests/python/test_tools.py` and `test_tool_schemas.py`.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from pydantic import Field

from codex_app_server import (
    Codex,
    CodexConfig,
    CodexError,
    InvalidInputError,
    InvalidInputTypeError,
    Thread,
)
from codex_app_server.requests import ToolCall
from codex_app_server.testing import Answer, FunctionCall, ModelRequest, OfflineModel
from codex_app_server.tools import Image, Tool, ToolContext, ToolError, tool
from codex_app_server.types import TurnStatus
from tests.api._sync.asking import Handler, reply, silent, states
from tests.api._sync.concurrency import Background, Marks, together
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
def look_up(word: str, limit: Annotated[int, Field(ge=1)] = 3) -> list[str]:
    """Look a word up in the dictionary.

    Args:
        word: The word.
        limit: How many meanings at most.
    """
    return [f"{word}: a book", f"{word}: a manuscript"][:limit]


@tool
def who(context: ToolContext[Codex]) -> str:
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


def test_a_function_is_offered_called_and_its_value_comes_back(model: OfflineModel) -> None:
    model.reset(calling(word="codex", limit=1))
    handler = Handler(lambda request: request.refuse())
    with Codex(model.config(), on_request=handler, tools=[look_up]) as codex:
        thread = codex.thread_start()
        with codex.requests(ToolCall):
            result = thread.run("Go.")
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


def test_a_plain_function_on_a_thread_is_a_tool_of_that_thread_alone(model: OfflineModel) -> None:
    def depth(berth: str) -> float:
        """Tell how deep it is at a berth."""
        return 4.5

    model.reset(calling("depth", berth="B2"))
    with Codex(model.config()) as codex:
        first = codex.thread_start(tools=[depth])
        assert (first.run("Go.")).final_response == "4.5"
        second = codex.thread_start()
        assert (second.run("Go.")).final_response == "unsupported call: depth"


def test_a_tool_is_called_from_a_program_of_the_models(model: OfflineModel) -> None:
    model.reset(once(program("look_up({word: 'codex', limit: 1})")))
    with Codex(model.config(), tools=[look_up]) as codex:
        result = (codex.thread_start()).run("Go.")
    assert result.final_response is not None
    assert result.final_response.endswith('["codex: a book"]')


def test_a_thread_has_its_own_tool_in_place_of_the_clients_of_that_name(model: OfflineModel) -> None:
    @tool(name="look_up")
    def other(word: str) -> str:
        """Look it up elsewhere."""
        return "elsewhere"

    model.reset(calling(word="codex"))
    with Codex(model.config(), tools=[look_up, who]) as codex:
        own = codex.thread_start(tools=[other])
        assert (own.run("Go.")).final_response == "elsewhere"
        assert "Look it up elsewhere." in shown(model)
        assert "in the dictionary" not in shown(model)
        assert "Say who calls." in shown(model)
        model.reset(calling(word="codex", limit=1))
        common = codex.thread_start()
        assert (common.run("Go.")).final_response == '["codex: a book"]'


def test_a_client_without_a_handler_is_asked_for_nothing_else(
    model: OfflineModel, caplog: pytest.LogCaptureFixture
) -> None:
    model.reset(calling("unserved"))
    unserved = {"type": "function", "name": "unserved", "description": "", "inputSchema": {"type": "object"}}
    with Codex(model.config(), tools=[look_up]) as codex:
        begun = codex.rpc.thread.start(dynamic_tools=[unserved])
        result = Thread(codex, begun.thread.id).run("Go.")
    assert result.final_response == "No handler is registered for this request."
    assert "no handler answers it" in caplog.text
    caplog.clear()


def test_a_handler_gets_the_calls_of_tools_that_nobody_serves(model: OfflineModel) -> None:
    unserved = {"type": "function", "name": "unserved", "description": "", "inputSchema": {"type": "object"}}
    handler = Handler(lambda request: request.succeed("by hand"))
    model.reset(once(FunctionCall("unserved", {}), FunctionCall("look_up", {"word": "x", "limit": 1})))
    with Codex(model.config(), on_request=handler, tools=[look_up]) as codex:
        begun = codex.rpc.thread.start(dynamic_tools=[unserved, look_up.spec])
        Thread(codex, begun.thread.id).run("Go.")
    assert [request.tool for request in handler.asked] == ["unserved"]
    assert model.requests[-1].tool_outputs == ("by hand", '["x: a book"]')


def test_a_tool_in_a_namespace_is_none_of_the_programs(peer: ScriptedPeer) -> None:
    handler = Handler(lambda request: request.succeed("by hand"))
    with Codex(scripted(peer), on_request=handler, tools=[look_up]):
        ask(peer, 0, CALL_METHOD, CALL, namespace="library")
        by_hand = (reply(peer))["result"]
        assert by_hand["contentItems"] == [{"type": "inputText", "text": "by hand"}]
        ask(peer, 1, CALL_METHOD, CALL)
        by_tool = (reply(peer))["result"]
        assert "a manuscript" in by_tool["contentItems"][0]["text"]


# --- contents


def test_an_image_reaches_the_model_as_an_image(model: OfflineModel) -> None:
    @tool
    def chart(topic: str) -> list[Any]:
        """Draw a chart."""
        return [f"Of {topic}:", Image(PNG)]

    model.reset([Answer(FunctionCall("chart", {"topic": "tides"})), "Red."])
    with Codex(model.config(), tools=[chart]) as codex:
        result = (codex.thread_start()).run("Go.")
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
def test_a_value_is_read_as_text_or_json(value: Any, text: str, model: OfflineModel) -> None:
    @tool
    def give() -> Any:
        """Give it."""
        return value

    model.reset(calling("give"))
    with Codex(model.config(), tools=[give]) as codex:
        (codex.thread_start()).run("Go.")
    assert read(model) == text


def test_a_result_of_48000_bytes_is_whole_and_a_longer_one_is_cut(model: OfflineModel) -> None:
    @tool
    def long(size: int) -> str:
        """Say much."""
        return "x" * size

    with Codex(model.config(), tools=[long]) as codex:
        thread = codex.thread_start()
        for size, whole in ((48_000, True), (48_001, False)):
            model.reset(calling("long", size=size))
            thread.run("Go.")
            assert (read(model) == "x" * size) is whole
    assert "truncated" in read(model)


# --- failures


def test_the_model_corrects_arguments_that_do_not_fit(model: OfflineModel) -> None:
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
    with Codex(model.config(), tools=[look_up]) as codex:
        result = (codex.thread_start()).run("Go.")
    assert states(result, "dynamicToolCall") == ["failed", "completed"]
    assert result.final_response == '["codex: a book"]'
    # The model's mistake is none of the program's.
    assert result.request_errors == ()


def test_a_tool_error_is_what_the_model_reads(model: OfflineModel) -> None:
    @tool
    def find(word: str) -> str:
        """Find a word."""
        raise ToolError(f"There is no {word!r}. Try its singular.")

    model.reset(calling("find", word="codices"))
    with Codex(model.config(), tools=[find]) as codex:
        result = (codex.thread_start()).run("Go.")
    assert states(result, "dynamicToolCall") == ["failed"]
    assert result.final_response == "There is no 'codices'. Try its singular."
    assert result.request_errors == ()


def test_the_text_of_an_exception_stays_in_the_program(
    model: OfflineModel, caplog: pytest.LogCaptureFixture
) -> None:
    @tool
    def leak() -> str:
        """Open the vault."""
        raise PermissionError(f"refused for {PRIVATE}")

    model.reset(calling("leak"))
    with Codex(model.config(), tools=[leak]) as codex:
        result = (codex.thread_start()).run("Go.")
    assert result.final_response == "The tool leak failed with PermissionError."
    assert states(result, "dynamicToolCall") == ["failed"]
    assert not [request for request in model.requests if PRIVATE.encode() in request.content]
    (error,) = result.request_errors
    assert isinstance(error.__cause__, PermissionError)
    assert str(error.__cause__) == f"refused for {PRIVATE}"
    assert "tool leak" in str(error)
    assert PRIVATE in caplog.text  # in the program's own log, with the traceback
    caplog.clear()


def test_a_value_that_json_cannot_hold_fails_the_call(
    model: OfflineModel, caplog: pytest.LogCaptureFixture
) -> None:
    class Vault:
        def __repr__(self) -> str:
            return PRIVATE

    @tool
    def give() -> Any:
        """Give it."""
        return Vault()

    model.reset(calling("give"))
    with Codex(model.config(), tools=[give]) as codex:
        result = (codex.thread_start()).run("Go.")
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
        self.contexts: list[ToolContext[Codex]] = []
        self.tool = Tool(self._wait, name="wait_long")

    def _wait(self, context: ToolContext[Codex]) -> str:
        """Wait."""
        self.contexts.append(context)
        assert not context.cancelled
        self.marks.reach("called")
        assert context.wait_cancelled(50)
        assert context.cancelled
        self.marks.reach("cancelled")
        return "too late"


def test_an_interrupt_cancels_the_call(model: OfflineModel) -> None:
    waiting = Waiting()
    model.reset(calling("wait_long"))
    with Codex(model.config(), tools=[waiting.tool]) as codex:
        turn = (codex.thread_start()).turn("Go.")
        waiting.marks.wait("called")
        turn.interrupt()
        waiting.marks.wait("cancelled")
        result = turn.run()
    assert result.status is TurnStatus.interrupted
    assert states(result, "dynamicToolCall") == ["failed"]
    assert result.request_errors == ()


def test_a_function_sees_that_its_call_is_cancelled(model: OfflineModel) -> None:
    seen: list[bool] = []
    called, over = threading.Event(), threading.Event()

    def stand(context: ToolContext[Codex]) -> str:
        """Stand."""
        seen.append(context.cancelled)
        seen.append(context.wait_cancelled(0))
        called.set()
        seen.append(context.wait_cancelled(50))
        seen.append(context.cancelled)
        over.set()
        return "too late"

    model.reset(calling("stand"))
    with Codex(model.config(), tools=[stand]) as codex:
        turn = (codex.thread_start()).turn("Go.")
        assert called.wait(50)
        turn.interrupt()
        assert over.wait(50)
        assert (turn.run()).request_errors == ()
    assert seen == [False, False, True, True]


@pytest.mark.parametrize("timeout_s", [0.05, 1])
def test_a_call_that_takes_too_long_fails_and_the_turn_goes_on(
    timeout_s: float, model: OfflineModel, caplog: pytest.LogCaptureFixture
) -> None:
    waiting = Waiting()
    waiting.tool = Tool(waiting._wait, name="wait_long", timeout_s=timeout_s)
    model.reset(calling("wait_long"))
    with Codex(model.config(), tools=[waiting.tool]) as codex:
        result = (codex.thread_start()).run("Go.")
        waiting.marks.wait("cancelled")
    assert result.status is TurnStatus.completed
    assert result.final_response == f"The tool wait_long took longer than {timeout_s:g} s."
    (error,) = result.request_errors
    assert f"took longer than {timeout_s:g} s" in str(error)
    caplog.clear()


def test_a_turn_that_ends_before_its_call_cancels_it(model: OfflineModel) -> None:
    waiting = Waiting()
    # The model does not wait for its program, and has no more to say.
    model.reset([Answer(program("wait_long({})", yields_after_ms=100)), "Never mind."])
    with Codex(model.config(), tools=[waiting.tool]) as codex:
        result = (codex.thread_start()).run("Go.")
        assert result.final_response == "Never mind."
        waiting.marks.wait("cancelled")
    assert result.request_errors == ()


def test_closing_the_client_cancels_the_call(model: OfflineModel) -> None:
    waiting = Waiting()
    model.reset(calling("wait_long"))
    codex = Codex(model.config(), tools=[waiting.tool])
    thread = codex.thread_start()
    running = Background(lambda: thread.run("Go."))
    waiting.marks.wait("called")
    codex.close()
    waiting.marks.wait("cancelled")
    with pytest.raises(CodexError):
        running.result()


def test_a_client_that_nobody_closes_is_found_though_its_tools_know_it(peer: ScriptedPeer) -> None:
    codex = Codex(scripted(peer), tools=[who])
    codex.thread_start(tools=[look_up])
    ask(peer, 0, CALL_METHOD, CALL, tool="who", arguments={})
    assert (reply(peer))["result"]["success"] is True
    native = codex._runtime.connection.native
    with pytest.warns(ResourceWarning, match="with"):
        del codex
    assert native.wait(20)


# --- contexts


def test_a_context_says_whose_call_it_is(model: OfflineModel) -> None:
    seen: list[ToolContext[Codex]] = []

    def keep(context: ToolContext[Codex], fact: str) -> str:
        """Keep a fact."""
        seen.append(context)
        return fact

    model.reset(calling("keep", fact="tides"))
    with Codex(model.config(), tools=[keep]) as codex:
        thread = codex.thread_start()
        result = thread.run("Go.")
        (context,) = seen
        assert context.client is codex
        assert (context.thread_id, context.turn_id) == (thread.id, result.id)
        assert (context.call_id, context.tool) == ("call_1_1", "keep")
        assert context.cancelled  # answered: nobody waits for it any more
    assert "keep(args: { fact: string; })" in shown(model)


def test_a_tool_runs_a_turn_of_its_own(model: OfflineModel) -> None:
    def ask_another(context: ToolContext[Codex], question: str) -> str | None:
        """Ask another agent."""
        thread = context.client.thread_start(ephemeral=True)
        return (thread.run(question)).final_response

    def script(request: ModelRequest) -> str | Answer:
        depth = int(request.prompt)
        if depth == 3 or request.tool_outputs:
            return f"{depth} " + "".join(request.tool_outputs)
        return Answer(FunctionCall("ask_another", {"question": str(depth + 1)}))

    model.reset(script)
    with Codex(model.config(), tools=[ask_another], max_concurrent_requests=1) as codex:
        result = (codex.thread_start()).run("0")
    assert result.final_response == "0 1 2 3 "


# --- how many at once


def test_fifty_threads_have_their_calls_answered_at_once(model: OfflineModel) -> None:
    marks = Marks()
    here: list[str] = []

    @tool
    def meet(context: ToolContext[Codex], number: int) -> int:
        """Meet the others."""
        here.append(context.thread_id)
        if len(here) == 50:
            marks.reach("all")
        # Nobody goes before all are here.
        marks.wait("all")
        return number * number

    model.reset(
        lambda request: (
            request.tool_outputs[-1]
            if request.tool_outputs
            else Answer(FunctionCall("meet", {"number": int(request.prompt)}))
        )
    )
    with Codex(model.config(), tools=[meet]) as codex:

        def one(number: int) -> str | None:
            thread = codex.thread_start(ephemeral=True)
            return (thread.run(str(number))).final_response

        def job(number: int) -> Callable[[], Any]:
            return lambda: one(number)

        answers = together(*(job(number) for number in range(50)))
    assert answers == [str(number * number) for number in range(50)]
    assert len(set(here)) == 50


def test_calls_of_one_thread_come_one_after_the_other(model: OfflineModel) -> None:
    at_work: list[int] = []
    most: list[int] = []

    @tool
    def step(number: int) -> int:
        """Make a step."""
        at_work.append(number)
        most.append(len(at_work))
        codex.models()
        at_work.remove(number)
        return number

    model.reset(once(*(FunctionCall("step", {"number": number}) for number in range(10))))
    with Codex(model.config(), tools=[step]) as codex:
        (codex.thread_start()).run("Go.")
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


def test_a_limit_of_one_is_one_call_of_a_conversation_at_a_time(model: OfflineModel) -> None:
    marks = Marks()
    begun: list[str] = []

    @tool
    def hold(context: ToolContext[Codex]) -> str:
        """Hold."""
        begun.append(context.thread_id)
        marks.reach(f"{len(begun)} begun")
        marks.wait("go on")
        return "held"

    model.reset(spawning(1, "hold"))
    with Codex(model.config(), tools=[hold], max_concurrent_requests=1) as codex:
        thread = codex.thread_start()
        running = Background(lambda: thread.run("Go."))
        marks.wait("1 begun")
        # The call of the other one of the two, root and sub-agent, is there and waits.
        while len(codex.pending_requests()) < 2:
            codex.models()
        assert len(begun) == 1
        # Another conversation has a limit of its own.
        model.reset(calling("hold"))
        other = codex.thread_start()
        elsewhere = Background(lambda: other.run("Go."))
        marks.wait("2 begun")
        assert begun[1] == other.id
        marks.reach("go on")
        assert (elsewhere.result()).final_response == "held"
        running.result()
    assert len(set(begun)) == 3


# --- sub-agents


@pytest.mark.parametrize("of_client", [True, False])
def test_a_sub_agent_calls_the_tools_of_its_root(of_client: bool, model: OfflineModel) -> None:
    model.reset(spawning(2, "who"))
    tools = [who]
    with Codex(model.config(), tools=tools if of_client else ()) as codex:
        thread = codex.thread_start(tools=() if of_client else tools)
        result = thread.run("Go.")
        assert result.final_response == "Done at 0."
    called = [outputs_of(model, agent) for agent in ("/root", "/root/depth1", "/root/depth1/depth2")]
    (root,), (child,), (grandchild,) = (
        [output for output in outputs if output.startswith("thread ")] for outputs in called
    )
    assert root == f"thread {thread.id}"
    # Each is told its own thread.
    assert len({root, child, grandchild}) == 3


def test_a_sub_agent_without_its_parents_turns_has_no_tools(model: OfflineModel) -> None:
    model.reset(spawning(1, "who", fork_turns="none"))
    with Codex(model.config(), tools=[who]) as codex:
        thread = codex.thread_start()
        thread.run("Go.")
    assert f"thread {thread.id}" in outputs_of(model, "/root")
    assert outputs_of(model, "/root/depth1") == ["unsupported call: who"]


# --- threads that are resumed and forked


def stored(model: OfflineModel, *tools: Callable[..., Any]) -> str:
    """The id of a thread that was started with these tools, by a client that is gone."""
    model.reset("Hello.")
    with Codex(model.config()) as codex:
        thread = codex.thread_start(tools=tools)
        thread.run("Hi.")
        return thread.id


@pytest.mark.parametrize("of_client", [True, False])
@pytest.mark.parametrize("method", ["thread_resume", "thread_fork"])
def test_a_stored_thread_is_served_by_a_new_client(method: str, of_client: bool, model: OfflineModel) -> None:
    thread_id = stored(model, look_up, who)
    model.reset(calling(word="codex", limit=1))
    tools = [look_up]
    with Codex(model.config(), tools=tools if of_client else ()) as codex:
        thread = getattr(codex, method)(thread_id, tools=() if of_client else tools)
        result = thread.run("Go.")
    assert result.final_response == '["codex: a book"]'


def test_a_stored_thread_is_resumed_without_its_tools(
    model: OfflineModel, caplog: pytest.LogCaptureFixture
) -> None:
    thread_id = stored(model, look_up)
    model.reset(calling(word="codex"))
    with Codex(model.config()) as codex:
        thread = codex.thread_resume(thread_id)
        result = thread.run("Go.")
        # Nobody serves; the model is told, and the turn goes on.
        assert result.final_response == "No handler is registered for this request."
        caplog.clear()
        # Later, when somebody does.
        again = codex.thread_resume(thread_id, tools=[look_up])
        assert (again.run("Go.")).final_response == '["codex: a book", "codex: a manuscript"]'.replace(
            ", ", ","
        )


def test_a_clients_tools_never_keep_a_thread_from_being_resumed(model: OfflineModel) -> None:
    thread_id = stored(model)
    model.reset(calling(word="codex"))
    with Codex(model.config(), tools=[look_up]) as codex:
        for thread in (codex.thread_resume(thread_id), codex.thread_fork(thread_id)):
            assert (thread.run("Go.")).final_response == "unsupported call: look_up"


@pytest.mark.parametrize("method", ["thread_resume", "thread_fork"])
def test_a_tool_that_a_stored_thread_has_not_is_refused_before_anything_is_done(
    method: str, model: OfflineModel
) -> None:
    thread_id = stored(model, who)
    with Codex(model.config()) as codex:
        with pytest.raises(InvalidInputError, match=rf"{thread_id} was started without look_up, and"):
            getattr(codex, method)(thread_id, tools=[who, look_up])
        assert (codex.rpc.thread.loaded.list()).data == []
        assert len((codex.thread_list()).data) == 1
        # Nothing is left of it: the thread is opened as if nothing had been.
        model.reset(calling("who"))
        thread = getattr(codex, method)(thread_id, tools=[who])
        assert (thread.run("Go.")).final_response == f"thread {thread.id}"


def test_a_fork_has_the_tools_of_its_source(model: OfflineModel) -> None:
    @tool(name="who")
    def somebody() -> str:
        """Say who calls."""
        return "somebody"

    with Codex(model.config()) as codex:
        source = codex.thread_start(tools=[who, look_up])
        source.run("Hi.")
        model.reset(calling("who"))
        fork = codex.thread_fork(source.id)
        assert (fork.run("Go.")).final_response == f"thread {fork.id}"
        # With a function of its own for one of them; the other one stays.
        other = codex.thread_fork(source.id, tools=[somebody])
        assert (other.run("Go.")).final_response == "somebody"
        model.reset(calling(word="codex", limit=1))
        assert (other.run("Go.")).final_response == '["codex: a book"]'
        model.reset(calling("who"))
        assert (source.run("Go.")).final_response == f"thread {source.id}"


def test_a_thread_that_is_loaded_gets_another_function_for_its_tool(model: OfflineModel) -> None:
    @tool(name="who")
    def somebody() -> str:
        """Say who calls."""
        return "somebody"

    with Codex(model.config(), tools=[who]) as codex:
        thread = codex.thread_start()
        thread.run("Hi.")
        model.reset(calling("who"))
        resumed = codex.thread_resume(thread.id, tools=[somebody])
        assert (resumed.run("Go.")).final_response == "somebody"
        with pytest.raises(InvalidInputError, match="without look_up"):
            codex.thread_resume(thread.id, tools=[look_up])


@pytest.mark.parametrize("path", [None, "/nowhere/rollout.jsonl"])
def test_a_thread_whose_tools_cannot_be_told_is_resumed_with_a_warning(
    path: str | None, peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    peer.answers["thread/read"] = {"thread": {"id": "t", "path": path}}
    with Codex(scripted(peer)) as codex:
        codex.thread_resume("t", tools=[look_up])
        assert "Whether thread t has the tools ['look_up'] cannot be told" in caplog.text
        caplog.clear()
        # It has them now, as far as this client knows.
        codex.thread_resume("t", tools=[look_up])
        assert caplog.text == ""
        ask(peer, 0, CALL_METHOD, CALL)
        assert (reply(peer))["result"]["success"] is True


# --- what is refused


def test_tools_need_the_experimental_api() -> None:
    with pytest.raises(InvalidInputError, match="experimental_api=True"):
        Codex(CodexConfig(experimental_api=False), tools=[look_up])


def test_a_threads_tools_need_the_experimental_api(peer: ScriptedPeer) -> None:
    peer.answers["thread/start"] = {"thread": {"id": "t"}}
    config = CodexConfig(launch_args_override=peer.argv, experimental_api=False)
    with Codex(config, tools=[]) as codex:
        for method, arguments in (("thread_start", ()), ("thread_resume", ("t",)), ("thread_fork", ("t",))):
            with pytest.raises(InvalidInputError, match="experimental_api=True"):
                getattr(codex, method)(*arguments, tools=[look_up])
        codex.thread_start(tools=[])
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
def test_what_is_no_list_of_tools_is_refused_before_anything_is_sent(
    tools: Any, error: type[Exception], reason: str, peer: ScriptedPeer
) -> None:
    with pytest.raises(error, match=reason):
        Codex(tools=tools)
    with Codex(scripted(peer)) as codex:
        del peer.answers["thread/start"], peer.answers["thread/resume"]
        for method, arguments in (("thread_start", ()), ("thread_resume", ("t",)), ("thread_fork", ("t",))):
            with pytest.raises(error, match=reason):
                getattr(codex, method)(*arguments, tools=tools)
        silent(peer, codex)


def test_a_threads_tool_must_not_look_like_one_of_the_clients(peer: ScriptedPeer) -> None:
    @tool(name="look-up")
    def alike() -> None:
        """Look up."""

    with Codex(scripted(peer), tools=[look_up]) as codex:
        del peer.answers["thread/start"]
        with pytest.raises(InvalidInputError, match="'look_up' and 'look-up' under one name"):
            codex.thread_start(tools=[alike])
        silent(peer, codex)
