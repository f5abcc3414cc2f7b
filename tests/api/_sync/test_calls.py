# Made from _async/test_calls.py by `python scripts/make_sync.py`; do not edit.

"""What a call writes, what it refuses to write, and what becomes of its answer."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from codex_app_server import OMIT, Codex, CodexConfig
from codex_app_server._sync import connection
from codex_app_server.errors import (
    InvalidInputError,
    InvalidInputTypeError,
    ParseError,
    RequestTimeoutError,
    ServerBusyError,
)
from codex_app_server.generated.v2_all import (
    AbsolutePathBuf,
    ConversationTextRole,
    FsReadFileResponse,
    ThreadListCwdFilter,
    ThreadListParams,
    ThreadMetadataGitInfoUpdateParams,
    ThreadSectionAppearance,
    ThreadSourceKind,
    TurnStartParams,
    TurnStartResponse,
    UserInput,
)
from tests.api._sync.concurrency import Background, expected
from tests.peer import ScriptedPeer, event, started

Call = Callable[[Codex], Any]

METHODS = (
    "command/exec",
    "thread/metadata/update",
    "thread/section/move",
    "thread/settings/update",
    "thread/start",
    "threadSection/update",
)
TURN = [{"type": "text", "text": "go"}]


def config(peer: ScriptedPeer, **fields: Any) -> CodexConfig:
    return CodexConfig(launch_args_override=peer.argv, **fields)


def noting(seen: list[Any], answer: Any) -> Callable[[Any], Any]:
    """Answers with `answer`, and keeps what was sent."""

    def note(sent: Any) -> Any:
        seen.append(sent)
        return answer

    return note


LEFT_OUT_OR_NULL: list[tuple[Call, dict[str, Any]]] = [
    (lambda codex: codex.rpc.thread.metadata.update(thread_id="t"), {"threadId": "t"}),
    (
        lambda codex: codex.rpc.thread.metadata.update(thread_id="t", git_info=OMIT, project_id=OMIT),
        {"threadId": "t"},
    ),
    (
        lambda codex: codex.rpc.thread.metadata.update(thread_id="t", git_info=None),
        {"threadId": "t", "gitInfo": None},
    ),
    (
        lambda codex: codex.rpc.thread.metadata.update(thread_id="t", git_info={}),
        {"threadId": "t", "gitInfo": {}},
    ),
    (
        lambda codex: codex.rpc.thread.metadata.update(
            thread_id="t", git_info={"sha": None, "origin_url": "u"}
        ),
        {"threadId": "t", "gitInfo": {"sha": None, "originUrl": "u"}},
    ),
    (
        lambda codex: codex.rpc.thread.metadata.update(
            thread_id="t", git_info=ThreadMetadataGitInfoUpdateParams(branch=None, sha="s")
        ),
        {"threadId": "t", "gitInfo": {"branch": None, "sha": "s"}},
    ),
    (lambda codex: codex.rpc.thread.settings.update(thread_id="t"), {"threadId": "t"}),
    (
        lambda codex: codex.rpc.thread.settings.update(thread_id="t", service_tier=None),
        {"threadId": "t", "serviceTier": None},
    ),
    (
        lambda codex: codex.rpc.thread_section.update(section_id="s", name="n"),
        {"sectionId": "s", "name": "n"},
    ),
    (
        lambda codex: codex.rpc.thread_section.update(section_id="s", name="n", appearance=None),
        {"sectionId": "s", "name": "n", "appearance": None},
    ),
    (
        lambda codex: codex.rpc.thread_section.update(
            section_id="s", name="n", appearance=ThreadSectionAppearance(icon="star", color="red")
        ),
        {"sectionId": "s", "name": "n", "appearance": {"icon": "star", "color": "red"}},
    ),
    (
        lambda codex: codex.rpc.thread.section.move(thread_id="t", section_id=None),
        {"threadId": "t", "sectionId": None},
    ),
    (
        lambda codex: codex.rpc.thread.start(
            dynamic_tools=[{"name": "n", "description": "d", "input_schema": {}, "namespace": "s"}]
        ),
        {"dynamicTools": [{"name": "n", "description": "d", "inputSchema": {}, "namespace": "s"}]},
    ),
    (
        lambda codex: codex.rpc.command.exec(command=["ls"], env={"KEPT": "1", "UNSET": None}, cwd=None),
        {"command": ["ls"], "env": {"KEPT": "1", "UNSET": None}, "cwd": None},
    ),
]


@pytest.mark.parametrize(("call", "params"), LEFT_OUT_OR_NULL)
def test_what_is_left_out_stays_out_and_none_is_null(
    peer: ScriptedPeer, call: Call, params: dict[str, Any]
) -> None:
    seen: list[Any] = []
    for method in METHODS:
        peer.answers[method] = noting(seen, {})
    with Codex(config(peer)) as codex:
        with suppress(ParseError):  # an empty answer is not enough for some
            call(codex)
    assert seen == [params]


ALIKE: list[tuple[Call, dict[str, Any]]] = [
    (
        lambda codex: codex.rpc.thread.list(
            cwd=ThreadListCwdFilter(["/a"]), source_kinds=[ThreadSourceKind.cli], limit=3
        ),
        {"cwd": ["/a"], "sourceKinds": ["cli"], "limit": 3},
    ),
    (
        lambda codex: codex.rpc.thread.list(cwd=["/a"], source_kinds=("cli",), limit=3),
        {"cwd": ["/a"], "sourceKinds": ["cli"], "limit": 3},
    ),
    (lambda codex: codex.request("thread/list", {"limit": 3}), {"limit": 3}),
    (lambda codex: codex.request("thread/list", ThreadListParams(limit=3)), {"limit": 3}),
    (
        lambda codex: codex.request(
            "thread/list", {"kinds": [ThreadSourceKind.cli], "cwd": AbsolutePathBuf("/a")}
        ),
        {"kinds": ["cli"], "cwd": "/a"},
    ),
    (
        lambda codex: codex.rpc.thread.realtime.append_text(
            thread_id="t", text="hi", role=ConversationTextRole.user
        ),
        {"threadId": "t", "text": "hi", "role": "user"},
    ),
    (
        lambda codex: codex.rpc.thread.realtime.append_text(thread_id="t", text="hi", role="user"),
        {"threadId": "t", "text": "hi", "role": "user"},
    ),
]


@pytest.mark.parametrize(("call", "params"), ALIKE)
def test_models_and_the_plain_values_for_them_are_sent_alike(
    peer: ScriptedPeer, call: Call, params: dict[str, Any]
) -> None:
    seen: list[Any] = []
    for method in ("thread/list", "thread/realtime/appendText"):
        peer.answers[method] = noting(seen, {"data": []})
    with Codex(config(peer)) as codex:
        call(codex)
    assert seen == [params]


def test_a_path_may_be_a_path(peer: ScriptedPeer) -> None:
    peer.answers["fs/readFile"] = lambda sent: {"dataBase64": sent["path"]}
    with Codex(config(peer)) as codex:
        for path in ("/a", AbsolutePathBuf("/a"), pathlib.PurePosixPath("/a")):
            assert (codex.rpc.fs.read_file(path=path)).data_base64 == "/a"  # type: ignore[arg-type]


def test_a_call_without_params_sends_none(peer: ScriptedPeer) -> None:
    with Codex(config(peer)) as codex:
        peer.answers["windowsSandbox/readiness"] = lambda sent: {"status": str(sent)}
        assert (codex.rpc.windows_sandbox.readiness()).status.value == "None"
        peer.answers["what/ever"] = lambda sent: {"sent": sent}
        assert codex.request("what/ever") == {"sent": None}
        assert codex.request("what/ever", {}) == {"sent": {}}


REFUSED: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (lambda rpc: rpc.fs.read_file(), TypeError, "path"),
    (lambda rpc: rpc.fs.read_file(path="/a", follow=True), TypeError, "follow"),
    (lambda rpc: rpc.fs.read_file("/a"), TypeError, "positional"),
    (lambda rpc: rpc.fs.read_file(path=3), InvalidInputTypeError, "fs/readFile: path: .*string"),
    (lambda rpc: rpc.fs.read_file(path=None), InvalidInputTypeError, "fs/readFile: path: .*string"),
    (lambda rpc: rpc.fs.read_file(path=b"/a"), InvalidInputTypeError, "fs/readFile: path is not JSON: bytes"),
    (lambda rpc: rpc.fs.read_file(path="\ud800"), InvalidInputError, "fs/readFile"),
    (lambda rpc: rpc.thread.list(limit="3"), InvalidInputTypeError, "thread/list: limit: .*integer"),
    (lambda rpc: rpc.thread.list(limit=True), InvalidInputTypeError, "thread/list: limit: .*integer"),
    (lambda rpc: rpc.thread.list(limit=-1), InvalidInputError, "thread/list: limit: .*0"),
    (lambda rpc: rpc.thread.list(archived=1), InvalidInputTypeError, "thread/list: archived: .*boolean"),
    (
        lambda rpc: rpc.thread.list(sort_direction="up"),
        InvalidInputError,
        "sort_direction: .*'asc' or 'desc'",
    ),
    (lambda rpc: rpc.thread.list(source_kinds=["x"]), InvalidInputError, r"thread/list: source_kinds\.0: "),
    (lambda rpc: rpc.thread.list(cwd={"/a"}), InvalidInputTypeError, "cwd is not JSON: set"),
    (
        lambda rpc: rpc.thread.list(use_state_db_only=None),
        InvalidInputTypeError,
        "thread/list: use_state_db_only must not be None",
    ),
    (lambda rpc: rpc.command.exec(command="ls"), InvalidInputTypeError, "command/exec: command: .*array"),
    (
        lambda rpc: rpc.command.exec(command=["ls"], size={"rows": 3}),
        InvalidInputError,
        r"command/exec: size\.cols: .*required",
    ),
    (
        lambda rpc: rpc.thread.start(dynamic_tools=[{"name": "n", "description": "d", "tools": []}]),
        InvalidInputError,
        r"thread/start: dynamic_tools\.0\.function\.inputSchema: .*required",
    ),
    (
        lambda rpc: rpc.review.start(thread_id="t", target={"type": "custom"}),
        InvalidInputError,
        r"review/start: target\.custom\.instructions: .*required",
    ),
    (
        lambda rpc: rpc.thread.inject_items(thread_id="t", items=[float("nan")]),
        InvalidInputError,
        "thread/inject_items: items is not JSON",
    ),
    (
        lambda rpc: rpc.account.login.start(params={"type": "magic"}),
        InvalidInputError,
        "account/login/start: params: .*magic",
    ),
    (lambda rpc: rpc.account.login.start(params=3), InvalidInputTypeError, "account/login/start: params: "),
    (
        lambda rpc: rpc.turn.start(thread_id="t", input=[UserInput.model_construct(root=3)]),
        InvalidInputError,
        "turn/start: input is not JSON",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED)
def test_a_wrong_argument_is_refused_before_anything_is_written(
    peer: ScriptedPeer, call: Callable[[Any], Any], error: type[Exception], message: str
) -> None:
    with Codex(config(peer)) as codex:
        before = codex.stats()["requests_written"]
        with pytest.raises(error, match=message):
            call(codex.rpc)
        assert codex.stats()["requests_written"] == before
        assert peer.received == 0


def test_a_refusal_does_not_repeat_the_value(peer: ScriptedPeer) -> None:
    with Codex(config(peer)) as codex:
        with pytest.raises(InvalidInputTypeError) as caught:
            codex.rpc.command.exec(command=["ls"], env=["password"])  # type: ignore[arg-type]
    assert "password" not in str(caught.value)


BAD_REQUESTS: list[tuple[tuple[Any, ...], type[Exception], str]] = [
    ((3,), InvalidInputTypeError, "method must be a str"),
    (("",), InvalidInputError, "method is empty"),
    (("\ud800",), InvalidInputError, "method is not text"),
    (("a/b", 3), InvalidInputTypeError, "params"),
    (("a/b", ["x"]), InvalidInputTypeError, "params"),
    (("a/b", AbsolutePathBuf("/a")), InvalidInputTypeError, "params"),
    (("a/b", {3: "x"}), InvalidInputTypeError, "params"),
    (("a/b", {"x": {1}}), InvalidInputError, "a/b are not JSON"),
    (("a/b", {"x": OMIT}), InvalidInputError, "Omit is no type of JSON"),
    (("a/b", {"x": float("inf")}), InvalidInputError, "a/b are not JSON"),
    (("a/b", {"x": ["fine", "a\ud800b"]}), InvalidInputError, r"lone surrogate '\\ud800'"),
    (("a/b", ThreadListParams.model_construct(limit={1})), InvalidInputError, "params cannot be sent"),
    (("turn/start", {"threadId": "\ud800"}), InvalidInputError, "threadId is not text"),
    (("a/b", None, dict), InvalidInputTypeError, "response_model"),
    (("a/b", None, ThreadListParams()), InvalidInputTypeError, "response_model"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), BAD_REQUESTS)
def test_a_wrong_request_is_refused_before_anything_is_written(
    peer: ScriptedPeer, arguments: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with Codex(config(peer)) as codex:
        before = codex.stats()["requests_written"]
        with pytest.raises(error, match=message):
            codex.request(*arguments)
        assert codex.stats()["requests_written"] == before
        assert codex.stats()["requests_pending"] == 0


class Tide(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    high_at: Annotated[int, Field(alias="highAt")]
    harbour: str | None = None


def test_a_request_of_any_name_takes_any_model_and_gives_any(peer: ScriptedPeer) -> None:
    seen: list[Any] = []
    peer.answers["tide/predict"] = noting(seen, {"highAt": 6, "harbour": "Brest"})
    with Codex(config(peer)) as codex:
        raw = codex.request("tide/predict", {"day": [1, None]})
        tide = codex.request("tide/predict", Tide(high_at=5), Tide)
        again = codex.request("tide/predict", response_model=Tide)
        with pytest.raises(ParseError, match="tide/predict is not FsReadFileResponse"):
            codex.request("tide/predict", response_model=FsReadFileResponse)
    assert raw == {"highAt": 6, "harbour": "Brest"}
    assert tide == again == Tide(high_at=6, harbour="Brest")
    assert seen == [{"day": [1, None]}, {"highAt": 5}, None, None]


STARTS: list[Call] = [
    lambda codex: codex.rpc.turn.start(thread_id="t", input=TURN),
    lambda codex: codex.request("turn/start", {"threadId": "t", "input": TURN}),
    lambda codex: codex.request("turn/start", TurnStartParams(thread_id="t", input=TURN)),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("start", STARTS)
def test_a_turn_start_that_is_given_up_is_undone(peer: ScriptedPeer, start: Call) -> None:
    with Codex(config(peer, request_timeout_s=0.2)) as codex:
        with pytest.raises(RequestTimeoutError, match="turn/start"):
            start(codex)
        peer.answer(peer.expect("turn/start"), started("late"))
        peer.send(event("turn/started", "t", "late"))
        assert peer.expect("turn/interrupt")["params"] == {"threadId": "t", "turnId": "late"}


@pytest.mark.parametrize("start", STARTS)
def test_a_turn_started_by_a_call_leaves_nothing_behind(peer: ScriptedPeer, start: Call) -> None:
    peer.answers["turn/start"] = started("u")
    peer.answers["model/list"] = {"data": []}
    with Codex(config(peer)) as codex:
        start(codex)
        peer.send(event("turn/started", "t", "u"), event("turn/completed", "t", "u"))
        codex.models()
        stats = codex.stats()
    assert (stats["turns_routed"], stats["turns_starting"], stats["mailbox_bytes"]) == (0, 0, 0)


def test_an_answer_that_does_not_fit_a_turn_start_leaves_nothing_behind(peer: ScriptedPeer) -> None:
    peer.answers["turn/start"] = {"turn": {"id": "u", "items": 3, "status": []}}
    peer.answers["model/list"] = {"data": []}
    with Codex(config(peer)) as codex:
        with pytest.raises(ParseError) as caught:
            codex.request("turn/start", {"threadId": "t", "input": TURN}, TurnStartResponse)
        peer.send(event("turn/started", "t", "u"))
        codex.models()
        # Whoever keeps the error does not keep the turn's events.
        assert codex.stats()["mailbox_bytes"] == 0
    assert caught.value.code == -32700


def test_a_busy_runtime_is_asked_seven_times_with_pauses_that_grow_and_differ(
    peer: ScriptedPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def pass_over(pause: float) -> None:
        pauses.append(pause)

    monkeypatch.setattr(connection, "sleep", pass_over)
    with Codex(config(peer)) as codex:
        asking = Background(codex.models)
        for _ in range(7):
            peer.refuse(expected(peer, "model/list"), -32001, "Server overloaded; retry later.")
        with pytest.raises(ServerBusyError):
            asking.result()
    doubled = [0.05, 0.1, 0.2, 0.4, 0.8, 1.0]
    assert len(pauses) == len(doubled)
    moved = [pause / plain for pause, plain in zip(pauses, doubled, strict=True)]
    assert all(0.5 <= part <= 1.5 for part in moved)
    # Clients that were refused together do not come back together.
    assert len(set(moved)) == len(moved)
    assert max(moved) - min(moved) > 0.01
