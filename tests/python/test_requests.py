"""What each call puts on the wire: the params that the official SDK was seen to send."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from codex_app_server import ApprovalMode, CodexConfig, Sandbox, TextInput
from codex_app_server._outgoing import requests
from codex_app_server._outgoing.requests import Request, explained, serialise
from codex_app_server.errors import (
    InvalidInputError,
    InvalidInputTypeError,
    InvalidRequestError,
    TurnNotRunningError,
    TurnNotSteerableError,
    map_jsonrpc_error,
)
from codex_app_server.generated.requests import REQUESTS
from codex_app_server.generated.v2_all import (
    AskForApproval,
    Personality,
    ReasoningEffort,
    ReasoningSummary,
    SandboxMode,
    SortDirection,
    ThreadListCwdFilter,
    ThreadSortKey,
    ThreadSource,
    ThreadSourceKind,
    ThreadStartSource,
)

AUTO = {"approvalPolicy": "on-request", "approvalsReviewer": "auto_review"}
X = [{"type": "text", "text": "x"}]
WORKSPACE_WRITE = {
    "type": "workspaceWrite",
    "writableRoots": [],
    "networkAccess": False,
    "excludeTmpdirEnvVar": False,
    "excludeSlashTmp": False,
}


class _Turns:
    """What a connection knows of turns."""

    def __init__(self, *, over: bool) -> None:
        self._over = over

    def turn_is_over(self, turn_id: str) -> bool:
        assert turn_id == "u"
        return self._over


NOTHING_IS_OVER: Any = _Turns(over=False)
ALL_IS_OVER: Any = _Turns(over=True)


def start(**options: Any) -> Request[Any]:
    return requests.thread_start(**{"approval_mode": ApprovalMode.auto_review, **options})


def turn(**options: Any) -> Request[Any]:
    return requests.turn_start("t", "x", **{"approval_mode": None, **options})


CASES: list[tuple[Request[Any], str, dict[str, Any]]] = [
    (
        requests.initialize(CodexConfig(client_name="n", client_title="t", client_version="v")),
        "initialize",
        {
            "clientInfo": {"name": "n", "title": "t", "version": "v"},
            "capabilities": {"experimentalApi": True},
        },
    ),
    (start(), "thread/start", AUTO),
    (start(approval_mode=ApprovalMode.deny_all), "thread/start", {"approvalPolicy": "never"}),
    (start(sandbox=Sandbox.read_only), "thread/start", {**AUTO, "sandbox": "read-only"}),
    (start(sandbox=Sandbox.workspace_write), "thread/start", {**AUTO, "sandbox": "workspace-write"}),
    (start(sandbox=Sandbox.full_access), "thread/start", {**AUTO, "sandbox": "danger-full-access"}),
    (
        start(
            base_instructions="b",
            config={"a": {"b": None, "c_d": 1}},
            cwd="/x",
            developer_instructions="d",
            ephemeral=True,
            model="m",
            model_provider="p",
            personality=Personality.pragmatic,
            service_name="s",
            service_tier="fast",
            session_start_source=ThreadStartSource.startup,
            thread_source=ThreadSource.user,
        ),
        "thread/start",
        {
            **AUTO,
            "baseInstructions": "b",
            "config": {"a": {"b": None, "c_d": 1}},
            "cwd": "/x",
            "developerInstructions": "d",
            "ephemeral": True,
            "model": "m",
            "modelProvider": "p",
            "personality": "pragmatic",
            "serviceName": "s",
            "serviceTier": "fast",
            "sessionStartSource": "startup",
            "threadSource": "user",
        },
    ),
    (requests.thread_list(), "thread/list", {}),
    (
        requests.thread_list(
            archived=False,
            cursor="c",
            cwd_filter=ThreadListCwdFilter(root=["/a"]),
            limit=3,
            model_providers=["p"],
            search_term="q",
            section_id="s",
            sort_direction=SortDirection.asc,
            sort_key=ThreadSortKey.created_at,
            source_kinds=[ThreadSourceKind.cli, ThreadSourceKind.vscode],
            use_state_db_only=True,
        ),
        "thread/list",
        {
            "archived": False,
            "cursor": "c",
            "cwd": ["/a"],
            "limit": 3,
            "modelProviders": ["p"],
            "searchTerm": "q",
            "sectionId": "s",
            "sortDirection": "asc",
            "sortKey": "created_at",
            "sourceKinds": ["cli", "vscode"],
            "useStateDbOnly": True,
        },
    ),
    (requests.thread_list(cwd_filter="/x"), "thread/list", {"cwd": "/x"}),
    (requests.thread_list(cwd_filter=["/x"]), "thread/list", {"cwd": ["/x"]}),
    (requests.thread_resume("t", approval_mode=None), "thread/resume", {"threadId": "t"}),
    (
        requests.thread_resume(
            "t",
            approval_mode=ApprovalMode.auto_review,
            include_turns=True,
            sandbox=Sandbox.read_only,
            personality="friendly",
        ),
        "thread/resume",
        {"threadId": "t", **AUTO, "excludeTurns": False, "sandbox": "read-only", "personality": "friendly"},
    ),
    (
        requests.thread_resume("t", approval_mode=None, include_turns=False),
        "thread/resume",
        {"threadId": "t", "excludeTurns": True},
    ),
    (
        requests.thread_fork(
            "t", approval_mode=ApprovalMode.deny_all, ephemeral=False, sandbox=Sandbox.full_access
        ),
        "thread/fork",
        {"threadId": "t", "approvalPolicy": "never", "ephemeral": False, "sandbox": "danger-full-access"},
    ),
    (requests.thread_archive("t"), "thread/archive", {"threadId": "t"}),
    (requests.thread_unarchive("t"), "thread/unarchive", {"threadId": "t"}),
    (requests.model_list(include_hidden=False), "model/list", {"includeHidden": False}),
    (
        requests.thread_read("t", include_turns=True),
        "thread/read",
        {"threadId": "t", "includeTurns": True},
    ),
    (requests.thread_set_name("t", "n"), "thread/name/set", {"threadId": "t", "name": "n"}),
    (requests.thread_compact("t"), "thread/compact/start", {"threadId": "t"}),
    (turn(), "turn/start", {"threadId": "t", "input": X}),
    (turn(approval_mode=ApprovalMode.auto_review), "turn/start", {"threadId": "t", "input": X, **AUTO}),
    (
        turn(sandbox=Sandbox.read_only),
        "turn/start",
        {"threadId": "t", "input": X, "sandboxPolicy": {"type": "readOnly", "networkAccess": False}},
    ),
    (
        turn(sandbox=Sandbox.workspace_write),
        "turn/start",
        {"threadId": "t", "input": X, "sandboxPolicy": WORKSPACE_WRITE},
    ),
    (
        turn(sandbox=Sandbox.full_access),
        "turn/start",
        {"threadId": "t", "input": X, "sandboxPolicy": {"type": "dangerFullAccess"}},
    ),
    (
        turn(
            cwd="/x",
            effort=ReasoningEffort("high"),
            model="m",
            output_schema={"type": "object", "x_y": None},
            personality=Personality.none,
            service_tier="st",
            source="src",
            summary=ReasoningSummary.model_validate("auto"),
            turn_service_tier="tst",
        ),
        "turn/start",
        {
            "threadId": "t",
            "input": X,
            "cwd": "/x",
            "effort": "high",
            "model": "m",
            "outputSchema": {"type": "object", "x_y": None},
            "personality": "none",
            "serviceTier": "st",
            "turnTrigger": "src",
            "summary": "auto",
            "serviceTierForTurn": "tst",
        },
    ),
    (
        requests.turn_steer("t", "u", "x"),
        "turn/steer",
        {"threadId": "t", "expectedTurnId": "u", "input": X},
    ),
    (
        requests.turn_steer("t", "u", [TextInput("x")]),
        "turn/steer",
        {"threadId": "t", "expectedTurnId": "u", "input": X},
    ),
    (requests.turn_interrupt("t", "u"), "turn/interrupt", {"threadId": "t", "turnId": "u"}),
]


@pytest.mark.parametrize(("request_", "method", "params"), CASES)
def test_a_call_sends_what_the_official_sdk_sends(
    request_: Request[Any], method: str, params: dict[str, Any]
) -> None:
    assert request_.method == method
    assert json.loads(serialise(request_) or b"null") == params


@pytest.mark.parametrize(("request_", "method", "params"), CASES)
def test_the_params_fit_the_schema(request_: Request[Any], method: str, params: dict[str, Any]) -> None:
    if method == "initialize":  # not among the schema's requests
        return
    model = REQUESTS[method].params_model
    assert model is not None
    unknown = set(params) - {field.alias or name for name, field in model.model_fields.items()}
    assert not unknown
    model.model_validate(params)


@pytest.mark.parametrize(
    "options",
    [
        {"model": 3},
        {"config": [1]},
        {"config": {1: 2}},
        {"cwd": b"/x"},
        {"ephemeral": "yes"},
        {"personality": 3},
        {"base_instructions": ["x"]},
    ],
)
def test_an_option_of_the_wrong_type_is_refused_by_name(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputTypeError, match=next(iter(options))):
        start(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"limit": "3"},
        {"limit": True},
        {"model_providers": "p"},
        {"model_providers": [3]},
        {"source_kinds": 3},
        {"cwd_filter": 3},
    ],
)
def test_a_filter_of_the_wrong_type_is_refused_by_name(options: dict[str, Any]) -> None:
    name = next(iter(options)).removesuffix("_filter")
    with pytest.raises(InvalidInputTypeError, match=rf"(?<!\w){name}(?!\w)"):
        requests.thread_list(**options)


@pytest.mark.parametrize("mode", ["denyAll", "x", None, 3])
def test_an_approval_mode_is_one_of_the_modes(mode: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"ApprovalMode\.deny_all"):
        requests.thread_start(approval_mode=mode)


def test_a_sandbox_is_one_of_the_sandboxes() -> None:
    with pytest.raises(InvalidInputError, match=r"Sandbox\.read_only"):
        start(sandbox="read_only")
    with pytest.raises(InvalidInputError, match=r"Sandbox\.read_only"):
        turn(sandbox=3)


def test_a_limit_is_not_negative() -> None:
    with pytest.raises(InvalidInputError, match="limit"):
        requests.thread_list(limit=-1)


def test_a_thread_id_is_a_text_that_is_not_empty() -> None:
    with pytest.raises(InvalidInputError, match="thread_id"):
        requests.thread_archive("")
    with pytest.raises(InvalidInputTypeError, match="thread_id"):
        requests.thread_archive(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), "\ud800", b"x"])
def test_what_json_cannot_express_is_refused_by_method(value: Any) -> None:
    with pytest.raises(InvalidInputError, match="turn/start"):
        serialise(turn(output_schema={"a": value}))
    with pytest.raises(InvalidInputError, match=r"config is not JSON|thread/start"):
        serialise(start(config={"a": value}))


def test_a_circle_is_refused() -> None:
    circle: dict[str, Any] = {}
    circle["again"] = circle
    with pytest.raises(InvalidInputError, match="turn/start"):
        serialise(turn(output_schema=circle))
    with pytest.raises(InvalidInputError, match="config is not JSON"):
        start(config=circle)


def test_what_a_config_holds_is_compared_as_it_is_sent() -> None:
    config = {
        "sandbox_mode": SandboxMode.workspace_write,
        "sandbox_workspace_write": {"writable_roots": (Path("/a"),)},
        "approval_policy": AskForApproval.model_validate("never"),
    }
    request = start(config=config)
    assert request.params == {
        "config": {
            "sandbox_mode": "workspace-write",
            "sandbox_workspace_write": {"writable_roots": [str(Path("/a"))]},
            "approval_policy": "never",
        }
    }
    assert request.settings == {
        "approval_policy": "never",
        "sandbox": {"type": "workspaceWrite", "writableRoots": [str(Path("/a"))]},
    }


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ("no rollout found for thread id 0199", "codex.threads()"),
        ("no rollout found for thread id 0199", "ephemeral, archived or deleted"),
        ("no archived rollout found for thread id 0199", "no archived thread has this id"),
        ("thread not found: 0199", "thread_resume"),
        ("thread not found: 0199", "thread_unarchive"),
        ("thread not loaded: 0199", "thread_resume"),
        ("invalid thread id: invalid character", "thread.id"),
        ("invalid session id: invalid length", "thread.id"),
        ("thread 0199 already has an active writer", "thread_fork"),
    ],
)
def test_an_unknown_thread_gets_a_hint(message: str, hint: str) -> None:
    error = explained(map_jsonrpc_error(-32600, message), requests.thread_archive("t"), NOTHING_IS_OVER)
    assert error.method == "thread/archive"
    assert hint in str(error)


def test_other_refusals_get_no_hint() -> None:
    refusal = map_jsonrpc_error(-32600, "something else")
    error = explained(refusal, requests.turn_interrupt("t", "u"), NOTHING_IS_OVER)
    assert (error.method, error.hint) == ("turn/interrupt", None)
    assert error is refusal


def test_a_refusal_about_a_turn_that_does_not_run_is_of_a_class_of_its_own() -> None:
    interrupt, steer = requests.turn_interrupt("t", "u"), requests.turn_steer("t", "u", "more")
    for request, words in ((interrupt, "no active turn to interrupt"), (steer, "expected active turn id")):
        error = explained(map_jsonrpc_error(-32600, words), request, NOTHING_IS_OVER)
        assert type(error) is TurnNotRunningError
        assert (error.message, error.method) == (words, request.method)
    for request in (interrupt, steer):
        error = explained(map_jsonrpc_error(-32600, "other words"), request, ALL_IS_OVER)
        assert type(error) is TurnNotRunningError
    assert type(explained(map_jsonrpc_error(-32600, "x"), requests.thread_archive("t"), ALL_IS_OVER)) is (
        InvalidRequestError
    )


def test_a_refusal_of_a_turn_that_takes_no_input_is_known_by_its_data() -> None:
    data = {"codexErrorInfo": {"activeTurnNotSteerable": {"turnKind": "review"}}}
    refusal = map_jsonrpc_error(-32600, "words", data)
    error = explained(refusal, requests.turn_steer("t", "u", "more"), NOTHING_IS_OVER)
    assert type(error) is TurnNotSteerableError
    assert error.data == data
