# Made from _async/test_requests.py by `python scripts/make_sync.py`; do not edit.

"""What the real runtime asks: that each answer has the effect that it promises, in good and in bad moments.

The offline model provokes the requests. `docs/design/requests.md` has what was measured; how answers look on
the wire is in `test_request_wire`.
"""

from __future__ import annotations

import base64
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codex_app_server import (
    Codex,
    Thread,
    TurnFailedError,
)
from codex_app_server.requests import (
    CommandApproval,
    CurrentTime,
    Elicitation,
    FileChangeApproval,
    PermissionsApproval,
    TokenRefresh,
    ToolCall,
    UserInputRequest,
)
from codex_app_server.testing import (
    Answer,
    FunctionCall,
    HttpFailure,
    ModelRequest,
    OfflineModel,
)
from codex_app_server.types import TurnStatus
from tests import mcp_server
from tests.api._sync.asking import Handler, states
from tests.wishes import ASKING, command, once, patch

FEATURES = {"request_permissions_tool": True, "default_mode_request_user_input": True}
QUIET = ("suppress_unstable_features_warning=true",)


# --- commands

ENDS = {
    "accept": (TurnStatus.completed, ["completed"], True),
    "accept_for_session": (TurnStatus.completed, ["completed"], True),
    "accept_with_execpolicy_amendment": (TurnStatus.completed, ["completed"], True),
    "decline": (TurnStatus.completed, ["declined"], False),
    "refuse": (TurnStatus.completed, ["declined"], False),
    "cancel": (TurnStatus.interrupted, ["declined"], False),
}


@pytest.mark.parametrize("method", ENDS)
def test_a_command_runs_when_it_is_accepted(method: str, model: OfflineModel) -> None:
    model.reset(once(command("echo done > ran")))
    handler = Handler(lambda request: getattr(request, method)())
    status, items, ran = ENDS[method]
    with Codex(model.config(), on_request=handler) as codex:
        thread = codex.thread_start(**ASKING)
        result = thread.run("Go.")
        assert (result.status, states(result, "commandExecution")) == (status, items)
        assert result.request_errors == ()
    (request,) = handler.asked
    assert isinstance(request, CommandApproval)
    assert request.command is not None
    assert "echo done > ran" in request.command
    assert (request.cwd, request.reason) == (str(model.workspace), "Because.")
    assert (request.thread_id, request.turn_id, request.item_id) == (thread.id, result.id, "call_1_1")
    assert request.execpolicy_amendment is not None
    assert (model.workspace / "ran").exists() is ran
    assert request.settlement == ("refused" if method == "refuse" else "answered")


def test_a_session_is_the_same_command_in_the_same_thread(model: OfflineModel) -> None:
    model.reset(lambda request: once(command(request.prompt))(request))
    handler = Handler(lambda request: request.accept_for_session())
    with Codex(model.config(), on_request=handler) as codex:
        first = codex.thread_start(**ASKING)
        for prompt in ("echo one", "echo one", "echo two"):
            first.run(prompt)
        assert ["one" in request.command for request in handler.asked] == [True, False]
        second = codex.thread_start(**ASKING)
        second.run("echo one")
        assert [request.thread_id for request in handler.asked] == [first.id, first.id, second.id]


def test_a_rule_holds_for_threads_that_are_started_later(model: OfflineModel) -> None:
    model.reset(lambda request: once(command(request.prompt, prefix_rule=["printf"]))(request))
    handler = Handler(lambda request: request.accept_with_execpolicy_amendment())
    with Codex(model.config(), on_request=handler) as codex:
        (codex.thread_start(**ASKING)).run("printf 1")
        assert handler.asked[0].execpolicy_amendment == ("printf",)
        result = (codex.thread_start(**ASKING)).run("printf 2")
        assert result.final_response is not None
        assert result.final_response.endswith("2")
    assert len(handler.asked) == 1
    rules = (model.codex_home / "rules/default.rules").read_text(encoding="utf-8")
    assert rules.strip() == 'prefix_rule(pattern=["printf"], decision="allow")'


def test_input_for_a_terminal_outside_of_the_sandbox_is_asked_for(model: OfflineModel) -> None:
    def script(request: ModelRequest) -> str | Answer:
        outputs = request.tool_outputs
        if not outputs:
            waits = "set /p line=" if sys.platform == "win32" else "cat"
            return Answer(command(waits, tty=True, yield_time_ms=250))
        if len(outputs) == 1:
            session = re.search(r"session ID (\d+)", outputs[0])
            assert session is not None
            typed = {"session_id": int(session[1]), "chars": "rm -rf /\n", "yield_time_ms": 250}
            return Answer(FunctionCall("write_stdin", typed))
        return outputs[-1]

    model.reset(script)
    handler = Handler(lambda request: request.accept() if len(handler.asked) == 1 else request.decline())
    with Codex(model.config(), on_request=handler) as codex:
        result = (codex.thread_start(**ASKING)).run("Go.")
    started, typed = handler.asked
    assert result.final_response == "write_stdin rejected: rejected by user"
    # The same item: only this tells them apart.
    assert started.item_id == typed.item_id
    assert typed.params.approval_id is not None
    assert typed.params.kind.value == "writeStdin"
    assert "rm -rf /\n" in typed.command
    assert "accept_for_session" not in typed.available_decisions
    assert typed.execpolicy_amendment is None


# --- file changes


@pytest.mark.parametrize("method", ["accept", "accept_for_session", "decline", "refuse", "cancel"])
def test_files_change_when_it_is_accepted(method: str, model: OfflineModel) -> None:
    path = model.workspace / "new.txt"
    model.reset(once(patch(path)))
    handler = Handler(lambda request: getattr(request, method)())
    with Codex(model.config(), on_request=handler) as codex:
        result = (codex.thread_start(**ASKING)).run("Go.")
    (request,) = handler.asked
    assert isinstance(request, FileChangeApproval)
    assert request.paths == (str(path),)
    assert request.changes is not None
    assert [change.diff for change in request.changes] == ["hello\n"]
    assert request.diff is not None
    assert str(path) in request.diff
    assert "hello" in request.diff
    accepted = method.startswith("accept")
    assert path.exists() is accepted
    assert result.status is (TurnStatus.interrupted if method == "cancel" else TurnStatus.completed)
    if method != "cancel":
        assert states(result, "fileChange") == ["completed" if accepted else "declined"]


def test_file_changes_are_told_in_turn_each_with_its_own_diff(model: OfflineModel) -> None:
    paths = [model.workspace / f"{number}.txt" for number in range(4)]
    model.reset(once(*(patch(path, path.name) for path in paths)))
    handler = Handler(lambda request: request.accept())
    with Codex(model.config(), on_request=handler) as codex:
        (codex.thread_start(**ASKING)).run("Go.")
    assert [request.paths for request in handler.asked] == [(str(path),) for path in paths]
    assert [path.read_text(encoding="utf-8").strip() for path in paths] == [path.name for path in paths]


# --- permissions, questions

GRANTS: dict[str, tuple[Callable[[Any], object], Any, str]] = {
    "all": (lambda request: request.grant(), ["a", "b"], "turn"),
    "a part": (lambda request: request.grant({"fileSystem": {"write": [here(request, "a")]}}), ["a"], "turn"),
    "more": (
        lambda request: request.grant(
            {"fileSystem": {"write": [here(request, name) for name in "abc"]}}, scope="session"
        ),
        *(["a", "b"], "session"),
    ),
    "nothing": (lambda request: request.decline(), None, "turn"),
}


def here(request: PermissionsApproval, name: str) -> str:
    return str(Path(request.cwd, name))


@pytest.mark.parametrize("case", GRANTS)
def test_permissions_are_granted_as_far_as_they_were_asked_for(case: str, model: OfflineModel) -> None:
    answer, granted, scope = GRANTS[case]
    asked = {"file_system": {"write": [str(model.workspace / name) for name in "ab"]}}
    model.reset(once(FunctionCall("request_permissions", {"reason": "To build.", "permissions": asked})))
    handler = Handler(answer)
    config = model.config(features=FEATURES, config_overrides=QUIET)
    with Codex(config, on_request=handler) as codex:
        result = (codex.thread_start(**ASKING)).run("Go.")
    (request,) = handler.asked
    assert isinstance(request, PermissionsApproval)
    assert (request.reason, request.cwd) == ("To build.", str(model.workspace))
    assert result.final_response is not None
    told = json.loads(result.final_response)
    files = told["permissions"]["file_system"]
    assert told["scope"] == scope
    if granted is None:
        assert files is None
    else:
        assert files["write"] == [str(model.workspace / name) for name in granted]


QUESTIONS = [
    {
        "id": "colour",
        "header": "Colour",
        "question": "Which?",
        "options": [{"label": "Red", "description": "."}, {"label": "Blue", "description": "."}],
    }
]


@pytest.mark.parametrize("answers", [{"colour": "Red"}, {"colour": ["Red", "or my own"]}, {}])
def test_questions_are_answered(answers: Any, model: OfflineModel) -> None:
    model.reset(once(FunctionCall("request_user_input", {"questions": QUESTIONS})))
    handler = Handler(lambda request: request.answer(answers))
    config = model.config(features=FEATURES, config_overrides=QUIET)
    with Codex(config, on_request=handler) as codex:
        result = (codex.thread_start(**ASKING)).run("Go.")
    (request,) = handler.asked
    assert isinstance(request, UserInputRequest)
    (question,) = request.questions
    assert (question.id, question.header, question.question) == ("colour", "Colour", "Which?")
    assert [option.label for option in question.options or ()] == ["Red", "Blue"]
    told = {name: {"answers": [one] if isinstance(one, str) else one} for name, one in answers.items()}
    assert result.final_response is not None
    assert json.loads(result.final_response) == {"answers": told}


# --- MCP servers

FORMS: dict[str, tuple[str, Callable[[Any], object], str]] = {
    "a form": (
        *("ask", lambda request: request.submit({"berth": "A1", "nights": 2})),
        '{"action": "accept", "content": {"berth": "A1", "nights": 2}}',
    ),
    "a form that is declined": ("ask", lambda request: request.decline(), '{"action": "decline"}'),
    "a form that is closed": ("ask", lambda request: request.cancel(), '{"action": "cancel"}'),
    "a form that is refused": ("ask", lambda request: request.refuse(), '{"action": "decline"}'),
    "a page": ("visit", lambda request: request.submit(), '{"action": "accept", "content": {}}'),
    "a tool": ("sink", lambda request: request.submit(), "sink: {'note': 'x'}"),
    "a tool that is declined": ("sink", lambda request: request.decline(), "user rejected MCP tool call"),
    "a tool that is not chosen": ("sink", lambda request: request.cancel(), "user cancelled MCP tool call"),
}


@pytest.mark.parametrize("case", FORMS)
def test_what_mcp_servers_ask_is_answered_and_the_turn_goes_on(case: str, model: OfflineModel) -> None:
    tool, answer, output = FORMS[case]
    model.reset(once(FunctionCall(tool, {"note": "x"}, namespace="mcp__harbour")))
    handler = Handler(answer)
    config = model.config(config_overrides=mcp_server.config())
    with Codex(config, on_request=handler) as codex:
        result = (codex.thread_start(**ASKING)).run("Go.")
    assert result.status is TurnStatus.completed
    assert result.final_response is not None
    assert result.final_response.endswith(output)
    (request,) = handler.asked
    assert isinstance(request, Elicitation)
    assert request.server_name == "harbour"
    assert request.is_tool_approval is (tool == "sink")
    assert request.mode == ("url" if tool == "visit" else "form")
    if tool == "ask":
        assert request.message == mcp_server.FORM["message"]
        assert request.requested_schema == mcp_server.FORM["requestedSchema"]
    if tool == "visit":
        assert request.url == mcp_server.LINK["url"]
    if tool == "sink":
        assert request.meta["tool_params"] == {"note": "x"}


def test_a_tool_that_is_allowed_for_the_session_is_not_asked_for_again(model: OfflineModel) -> None:
    model.reset(once(FunctionCall("sink", {"note": "x"}, namespace="mcp__harbour")))
    handler = Handler(lambda request: request.submit(persist="session"))
    config = model.config(config_overrides=mcp_server.config())
    with Codex(config, on_request=handler) as codex:
        first = codex.thread_start(**ASKING)
        for _ in range(2):
            result = first.run("Go.")
            assert result.final_response is not None
            assert result.final_response.endswith("sink: {'note': 'x'}")
        second = codex.thread_start(**ASKING)
        second.run("Go.")
    assert [request.thread_id for request in handler.asked] == [first.id, second.id]
    assert handler.asked[0].persist_options == ("session", "always")


def test_a_form_outside_of_a_turn_is_answered_too(model: OfflineModel) -> None:
    handler = Handler(lambda request: request.submit({"berth": "B2"}))
    config = model.config(config_overrides=mcp_server.config())
    with Codex(config, on_request=handler) as codex:
        thread = codex.thread_start(**ASKING)
        called = codex.rpc.mcp_server.tool.call(server="harbour", thread_id=thread.id, tool="ask")
        assert "B2" in called.model_dump_json()
    (request,) = handler.asked
    assert (request.thread_id, request.turn_id) == (thread.id, None)


# --- tools of the program

TOOL = {
    "type": "function",
    "name": "look_up",
    "description": "Looks a word up.",
    "inputSchema": {"type": "object", "properties": {"word": {"type": "string"}}},
}


@pytest.mark.parametrize("success", [True, False])
def test_a_tool_of_the_program_is_called(success: bool, model: OfflineModel) -> None:
    model.reset(once(FunctionCall("look_up", {"word": "codex"})))
    give: Callable[[Any], object] = lambda request: request.succeed("a book")  # noqa: E731
    handler = Handler(give if success else lambda request: request.fail("no such word"))
    with Codex(model.config(), on_request=handler) as codex:
        begun = codex.rpc.thread.start(dynamic_tools=[TOOL])
        result = Thread(codex, begun.thread.id).run("Go.")
    (request,) = handler.asked
    assert isinstance(request, ToolCall)
    assert (request.tool, request.arguments, request.call_id) == ("look_up", {"word": "codex"}, "call_1_1")
    assert result.final_response == ("a book" if success else "no such word")
    assert [item.root.success for item in result.items if item.root.type == "dynamicToolCall"] == [success]


@pytest.mark.parametrize("fields", [{}, {"namespace": "library"}])
def test_a_tool_without_its_type_is_offered_as_a_function(
    fields: dict[str, Any], model: OfflineModel
) -> None:
    model.reset(once(FunctionCall("look_up", {"word": "codex"}, **fields)))
    tool = {**{key: value for key, value in TOOL.items() if key != "type"}, **fields}
    handler = Handler(lambda request: request.succeed("a book"))
    with Codex(model.config(), on_request=handler) as codex:
        begun = codex.rpc.thread.start(dynamic_tools=[tool])
        result = Thread(codex, begun.thread.id).run("Go.")
    assert "Looks a word up." in str(model.requests[0].body)
    (request,) = handler.asked
    assert (request.tool, request.namespace) == ("look_up", fields.get("namespace"))
    assert result.final_response == "a book"


# --- without a person


def test_the_runtime_reads_the_programs_clock(model: OfflineModel) -> None:
    clock = (
        'features.current_time_reminder={enabled=true, clock_source="external", reminder_interval_seconds=1}'
    )
    handler = Handler(lambda request: request.provide(1_000_000_000))
    config = model.config(config_overrides=(clock, *QUIET))
    with Codex(config, on_request=handler) as codex:
        result = (codex.thread_start()).run("Go.")
    assert result.status is TurnStatus.completed
    assert {type(request) for request in handler.asked} == {CurrentTime}
    assert "2001-09-09 01:46:40 UTC" in str(model.requests[0].body)


def test_without_a_clock_a_turn_that_needs_one_fails(
    model: OfflineModel, caplog: pytest.LogCaptureFixture
) -> None:
    clock = 'features.current_time_reminder={enabled=true, clock_source="external"}'
    with Codex(model.config(config_overrides=(clock, *QUIET))) as codex:
        thread = codex.thread_start()
        with pytest.raises(TurnFailedError, match="failed to read current time"):
            thread.run("Go.")
    caplog.clear()


def token(number: int) -> str:
    """A token as ChatGPT's look, which nobody has signed."""
    claims = {"chatgpt_plan_type": "pro", "chatgpt_account_id": "acc", "chatgpt_user_id": "u"}
    body = {"exp": int(time.time()) + 3600, "email": "a@b.example", "number": number}
    body["https://api.openai.com/auth"] = claims
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()) for part in ({"alg": "none"}, body)]
    return ".".join([*(part.rstrip(b"=").decode() for part in parts), "sig"])


def test_new_tokens_are_given_when_the_model_refuses_the_old(model: OfflineModel) -> None:
    first, second = token(1), token(2)

    def script(request: ModelRequest) -> str | Answer:
        is_new = request.headers["authorization"] == f"Bearer {second}"
        return "Welcome back." if is_new else Answer(HttpFailure(401))

    model.reset(script)
    handler = Handler(lambda request: request.provide(second, "acc"))
    config = model.config(config_overrides=("model_providers.offline.requires_openai_auth=true",))
    with Codex(config, on_request=handler) as codex:
        login = {"type": "chatgptAuthTokens", "accessToken": first, "chatgptAccountId": "acc"}
        codex.request("account/login/start", login)
        result = (codex.thread_start()).run("Go.")
    assert result.final_response == "Welcome back."
    (request,) = handler.asked
    assert isinstance(request, TokenRefresh)
    assert (request.reason, request.previous_account_id) == ("unauthorized", "acc")
    # A token is worth a login, so neither is in what could be logged.
    assert first not in repr(request)
