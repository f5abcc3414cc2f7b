"""What the runtime makes of an object without the tag of its union: the models' judgements rest on this.

`docs/design/models.md` has the table. A runtime that answers otherwise asks for a change of
`policy.UNTAGGED` in `scripts/generate`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from codex_app_server.testing import Answer, FunctionCall, OfflineModel, Script

from .wire import Wire

NO_TAG = "missing field `type`"
NO_THREAD = "00000000-0000-0000-0000-000000000000"
TOOL = {"name": "look_up", "description": "Looks a word up.", "inputSchema": {"type": "object"}}
TAGGED = {"type": "function", **TOOL}
NAMESPACE = {"name": "library", "description": "Books."}
LEGACY = "dynamic tools must use either canonical or legacy format consistently"

# Absolute, as the runtime wants them.
FIRST, SECOND = str(Path("/srv/first").absolute()), str(Path("/srv/second").absolute())

Given = dict[str, Any]
Params = Callable[[Given], Given]


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with OfflineModel(lambda _: "Fine.") as model, Wire(model) as wire:
        yield wire


def history(make: Params) -> tuple[str, Params]:
    """A request with the one item that `make` makes of an object."""
    return "thread/resume", lambda given: {"threadId": NO_THREAD, "history": [make(given)]}


SANDBOX: list[tuple[str, Params]] = [
    ("command/exec", lambda given: {"command": ["true"], "sandboxPolicy": given}),
    ("turn/start", lambda given: {"threadId": NO_THREAD, "input": [], "sandboxPolicy": given}),
    ("thread/settings/update", lambda given: {"threadId": NO_THREAD, "sandboxPolicy": given}),
]
INPUT: list[tuple[str, Params]] = [
    ("turn/start", lambda given: {"threadId": NO_THREAD, "input": [given]}),
    (
        "turn/steer",
        lambda given: {"threadId": NO_THREAD, "expectedTurnId": "t", "input": [given]},
    ),
    (
        "thread/queue/add",
        lambda given: {"threadId": NO_THREAD, "clientUserMessageId": "c", "input": [given]},
    ),
    (
        "thread/queue/update",
        lambda given: {"threadId": NO_THREAD, "queuedSubmissionId": "q", "input": [given]},
    ),
]
AGENT = {"type": "agent_message", "author": "a", "recipient": "b"}
REASONING = {"type": "reasoning", "id": "r", "summary": []}
POLICIES: list[Given] = [{"type": "readOnly"}, {"type": "workspaceWrite", "writableRoots": []}]
INPUTS: list[Given] = [{"type": "text", "text": "x"}, {"type": "image", "url": "u"}]

# By union: a request with an object in its place, objects of variants, and the refusal without their tags.
REFUSED: list[tuple[str, tuple[str, Params], list[Given], str]] = [
    (
        "AgentMessageInputContent",
        history(lambda given: {**AGENT, "content": [given]}),
        [{"type": "input_text", "text": "x"}, {"type": "encrypted_content", "encrypted_content": "x"}],
        NO_TAG,
    ),
    (
        "CapabilityRootLocation",
        ("thread/start", lambda given: {"selectedCapabilityRoots": [{"id": "a", "location": given}]}),
        [{"type": "environment", "environmentId": "local", "path": "/"}],
        NO_TAG,
    ),
    (
        "ContentItem",
        history(lambda given: {"type": "message", "role": "user", "content": [given]}),
        [{"type": "input_text", "text": "x"}, {"type": "input_image", "image_url": "x"}],
        NO_TAG,
    ),
    (
        "DynamicToolNamespaceTool",
        (
            "thread/start",
            lambda given: {"dynamicTools": [{"type": "namespace", **NAMESPACE, "tools": [given]}]},
        ),
        [TAGGED],
        LEGACY,
    ),
    (
        "DynamicToolSpec",
        ("thread/start", lambda given: {"dynamicTools": [given]}),
        [{"type": "namespace", **NAMESPACE, "tools": [TAGGED]}],
        "missing field `inputSchema`",
    ),
    (
        "FunctionCallOutputContentItem",
        history(lambda given: {"type": "function_call_output", "call_id": "c", "output": [given]}),
        [{"type": "input_text", "text": "x"}, {"type": "encrypted_content", "encrypted_content": "x"}],
        "data did not match any variant of untagged enum FunctionCallOutputBody",
    ),
    (
        "LocalShellAction",
        history(lambda given: {"type": "local_shell_call", "status": "completed", "action": given}),
        [{"type": "exec", "command": ["ls"]}],
        NO_TAG,
    ),
    (
        "ReasoningItemContent",
        history(lambda given: {**REASONING, "content": [given]}),
        [{"type": "reasoning_text", "text": "x"}],
        NO_TAG,
    ),
    (
        "ReasoningItemReasoningSummary",
        history(lambda given: {**REASONING, "summary": [given]}),
        [{"type": "summary_text", "text": "x"}],
        NO_TAG,
    ),
    (
        "ResponseItem",
        history(lambda given: given),
        [{"type": "message", "role": "user", "content": []}, {"type": "other"}],
        NO_TAG,
    ),
    (
        "ResponsesApiWebSearchAction",
        history(lambda given: {"type": "web_search_call", "action": given}),
        [{"type": "search", "query": "x"}, {"type": "other"}],
        NO_TAG,
    ),
    (
        "ReviewTarget",
        ("review/start", lambda given: {"threadId": NO_THREAD, "target": given}),
        [{"type": "uncommittedChanges"}, {"type": "baseBranch", "branch": "main"}],
        NO_TAG,
    ),
    *(("SandboxPolicy", request, POLICIES, NO_TAG) for request in SANDBOX),
    (
        "ThreadItemsListAnchor",
        ("thread/items/list", lambda given: {"threadId": NO_THREAD, "turnId": "t", "cursor": given}),
        [{"type": "item", "itemId": "i"}],
        "data did not match any variant of untagged enum ThreadItemsListCursor",
    ),
    (
        "ThreadReadStateOperation",
        (
            "thread/readState/update",
            lambda given: {"threadId": NO_THREAD, "expectedRevision": "1", "operation": given},
        ),
        [{"type": "read"}],
        NO_TAG,
    ),
    (
        "ThreadRealtimeStartTransport",
        (
            "thread/realtime/start",
            lambda given: {"threadId": NO_THREAD, "outputModality": "text", "transport": given},
        ),
        [{"type": "websocket"}, {"type": "webrtc", "sdp": "s"}],
        NO_TAG,
    ),
    *(("UserInput", request, INPUTS, NO_TAG) for request in INPUT),
]


@pytest.mark.parametrize(("union", "asked", "objects", "said"), REFUSED)
def test_an_object_without_its_tag_is_refused(
    wire: Wire, union: str, asked: tuple[str, Params], objects: list[Given], said: str
) -> None:
    method, params = asked
    for given in objects:
        # With the tag its form is not what is wrong, if anything is.
        assert not wire.refusal(method, params(given)).startswith("Invalid request"), union
        without = {key: value for key, value in given.items() if key != "type"}
        assert wire.refusal(method, params(without)) == f"Invalid request: {said}", union


@pytest.mark.parametrize(
    ("method", "variants"),
    [
        ("account/login/start", [{"apiKey": "k"}, {"accessToken": "a", "chatgptAccountId": "c"}, {}]),
        ("account/bedrock/setup", [{"profile": "p", "region": "r"}, {"region": "r"}]),
    ],
)
def test_params_that_are_a_union_are_refused_without_their_tag(
    wire: Wire, method: str, variants: list[Given]
) -> None:
    # With their tags they would be carried out.
    for given in variants:
        assert wire.refusal(method, given) == f"Invalid request: {NO_TAG}"


@pytest.mark.parametrize(
    ("tools", "said"),
    [
        ([TOOL], ""),
        ([{**TOOL, "namespace": "library", "deferLoading": True}], ""),
        ([TOOL, {**TAGGED, "name": "other"}], f"Invalid request: {LEGACY}"),
        ([{**TAGGED, "namespace": "library"}], f"Invalid request: {LEGACY}"),
        ([{**TOOL, "type": None}], "Invalid request: invalid type: null, expected variant identifier"),
    ],
)
def test_a_tool_without_its_tag_is_a_function_of_another_format(
    wire: Wire, tools: list[Given], said: str
) -> None:
    assert wire.refusal("thread/start", {"dynamicTools": tools}) == said


def answered(script: Script, thread: Given, asked: str, result: Given) -> str:
    """The output of the one call, after the runtime's request `asked` has been answered with `result`."""
    with OfflineModel(script) as model, Wire(model) as wire:
        thread_id = wire.call("thread/start", thread)["thread"]["id"]
        wire.call("turn/start", {"threadId": thread_id, "input": [{"type": "text", "text": "Go."}]})
        for message in wire.messages():
            if message.get("method") == asked:
                wire.send({"id": message["id"], "result": result})
            if message.get("method") == "turn/completed":
                break
        (output,) = model.requests[-1].tool_outputs
        return output


@pytest.mark.parametrize(
    ("tag", "output"), [({"type": "inputText"}, "a book"), ({}, "dynamic tool response was invalid")]
)
def test_content_of_a_tool_without_its_tag_makes_the_whole_answer_invalid(tag: Given, output: str) -> None:
    result = {"contentItems": [{**tag, "text": "a book"}], "success": True}
    script: Script = [Answer(FunctionCall("look_up", {})), "Done."]
    assert answered(script, {"dynamicTools": [TAGGED]}, "item/tool/call", result) == output


@pytest.mark.parametrize(
    ("path", "is_granted"),
    [
        ({"type": "path", "path": SECOND}, True),
        ({"path": SECOND}, False),
        ({"pattern": SECOND}, False),
        ({"type": "special", "value": {"kind": "root"}}, True),
        ({"type": "special", "value": {}}, False),
        ({"type": "special", "value": {"path": SECOND}}, False),
    ],
)
def test_a_path_without_its_tag_makes_the_whole_answer_grant_nothing(path: Given, is_granted: bool) -> None:
    asked = {"reason": "Why.", "permissions": {"file_system": {"write": [FIRST]}}}
    paths = [{"type": "path", "path": FIRST}, path]
    entries = [{"access": "write", "path": each} for each in paths]
    thread = {
        "approvalPolicy": "on-request",
        "sandbox": "workspace-write",
        "config": {"features": {"request_permissions_tool": True}},
    }
    script: Script = [Answer(FunctionCall("request_permissions", asked)), "Done."]
    result = {"permissions": {"fileSystem": {"entries": entries}}}
    output = answered(script, thread, "item/permissions/requestApproval", result)
    assert (f'{{"write":[{json.dumps(FIRST)}]}}' in output) is is_granted
    assert ('"file_system":null' in output) is not is_granted
