"""What a scripted peer asks: params of every kind of request, and each of their answers on the wire.

Data and small senders, for the tests of both shells.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from codex_app_server import CodexConfig, InvalidInputError, InvalidInputTypeError
from codex_app_server.requests import (
    Attestation,
    CommandApproval,
    CurrentTime,
    Elicitation,
    FileChangeApproval,
    LegacyCommandApproval,
    LegacyPatchApproval,
    PermissionsApproval,
    ServerRequest,
    TokenRefresh,
    ToolCall,
    UnknownRequest,
    UserInputRequest,
)
from tests.peer import ScriptedPeer, event, started

T1 = {"threadId": "t", "turnId": "turn of t"}
AT = {**T1, "itemId": "i", "startedAtMs": 1}
RULE = ["git", "push"]
HOST = {"host": "example.com", "action": "allow"}
COMMAND = {
    **AT,
    "command": "/bin/bash -lc 'git push'",
    "cwd": "/w",
    "reason": "To publish.",
    "proposedExecpolicyAmendment": RULE,
    "proposedNetworkPolicyAmendments": [HOST],
    "availableDecisions": [
        "accept",
        {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": RULE}},
        {"applyNetworkPolicyAmendment": {"network_policy_amendment": HOST}},
        "cancel",
    ],
}
PERMISSIONS = {
    **AT,
    "cwd": "/w",
    "reason": "To build.",
    "permissions": {"network": {"enabled": True}, "fileSystem": {"read": ["/r"], "write": ["/a", "/b"]}},
}
QUESTIONS = {
    **T1,
    "itemId": "i",
    "isBlocking": True,
    "questions": [
        {
            "id": "colour",
            "header": "Colour",
            "question": "Which?",
            "options": [{"label": "Red", "description": "."}],
        },
        {"id": "name", "header": "Name", "question": "Which name?"},
    ],
}
SCHEMA = {"type": "object", "properties": {"berth": {"type": "string"}}, "required": ["berth"]}
FORM = {
    **T1,
    "serverName": "harbour",
    "mode": "form",
    "message": "?",
    "requestedSchema": SCHEMA,
    "_meta": None,
}
MAY_CALL = {
    **FORM,
    "requestedSchema": {"type": "object", "properties": {}},
    "_meta": {"codex_approval_kind": "mcp_tool_call", "persist": ["session", "always"]},
}
PAGE = {
    **T1,
    "serverName": "harbour",
    "mode": "url",
    "message": "?",
    "url": "https://x.example",
    "elicitationId": "e",
}
CALL = {**T1, "callId": "c", "tool": "look_up", "namespace": None, "arguments": {"word": "codex"}}
REFRESH = {"reason": "unauthorized", "previousAccountId": "acc"}
EXEC = {"conversationId": "t", "callId": "c", "command": ["ls", "-l"], "cwd": "/w", "parsedCmd": []}
PATCH = {"conversationId": "t", "callId": "c", "fileChanges": {"/w/a": {"type": "add", "content": "x\n"}}}

COMMAND_METHOD = "item/commandExecution/requestApproval"
CHANGE_METHOD = "item/fileChange/requestApproval"
PERMISSIONS_METHOD = "item/permissions/requestApproval"
QUESTIONS_METHOD = "item/tool/requestUserInput"
FORM_METHOD = "mcpServer/elicitation/request"
CALL_METHOD = "item/tool/call"
REFRESH_METHOD = "account/chatgptAuthTokens/refresh"

ERROR = {"error": {"code": -32601, "message": "this client does not handle the request"}}
IMAGE = {"type": "inputImage", "imageUrl": "data:image/png;base64,AA=="}
REFUSED_CALL = {
    "contentItems": [{"type": "inputText", "text": "No handler is registered for this request."}],
    "success": False,
}
DENIED = {"decision": {"denied": {"rejection": "No handler is registered for this request."}}}


def said(decision: Any) -> dict[str, Any]:
    return {"result": {"decision": decision}}


Case = tuple[str, dict[str, Any], type[ServerRequest], Callable[[Any], object], dict[str, Any]]

CASES: dict[str, Case] = {
    "command accept": (COMMAND_METHOD, COMMAND, CommandApproval, lambda r: r.accept(), said("accept")),
    "command session": (
        *(COMMAND_METHOD, COMMAND, CommandApproval),
        *(lambda r: r.accept_for_session(), said("acceptForSession")),
    ),
    "command decline": (COMMAND_METHOD, COMMAND, CommandApproval, lambda r: r.decline(), said("decline")),
    "command cancel": (COMMAND_METHOD, COMMAND, CommandApproval, lambda r: r.cancel(), said("cancel")),
    "command refuse": (COMMAND_METHOD, COMMAND, CommandApproval, lambda r: r.refuse(), said("decline")),
    "command rule": (
        *(COMMAND_METHOD, COMMAND, CommandApproval),
        lambda r: r.accept_with_execpolicy_amendment(),
        said({"acceptWithExecpolicyAmendment": {"execpolicy_amendment": RULE}}),
    ),
    "command host": (
        *(COMMAND_METHOD, COMMAND, CommandApproval),
        lambda r: r.apply_network_policy_amendment(r.network_policy_amendments[0]),
        said({"applyNetworkPolicyAmendment": {"network_policy_amendment": HOST}}),
    ),
    "change accept": (CHANGE_METHOD, AT, FileChangeApproval, lambda r: r.accept(), said("accept")),
    "change session": (
        *(CHANGE_METHOD, AT, FileChangeApproval),
        *(lambda r: r.accept_for_session(), said("acceptForSession")),
    ),
    "change decline": (CHANGE_METHOD, AT, FileChangeApproval, lambda r: r.decline(), said("decline")),
    "change cancel": (CHANGE_METHOD, AT, FileChangeApproval, lambda r: r.cancel(), said("cancel")),
    "change refuse": (CHANGE_METHOD, AT, FileChangeApproval, lambda r: r.refuse(), said("decline")),
    "permissions grant": (
        *(PERMISSIONS_METHOD, PERMISSIONS, PermissionsApproval),
        lambda r: r.grant(),
        {"result": {"permissions": PERMISSIONS["permissions"], "scope": "turn"}},
    ),
    "permissions part": (
        *(PERMISSIONS_METHOD, PERMISSIONS, PermissionsApproval),
        lambda r: r.grant({"fileSystem": {"write": ["/a"]}}, scope="session"),
        {"result": {"permissions": {"fileSystem": {"write": ["/a"]}}, "scope": "session"}},
    ),
    "permissions decline": (
        *(PERMISSIONS_METHOD, PERMISSIONS, PermissionsApproval),
        *(lambda r: r.decline(), {"result": {"permissions": {}}}),
    ),
    "permissions refuse": (
        *(PERMISSIONS_METHOD, PERMISSIONS, PermissionsApproval),
        *(lambda r: r.refuse(), {"result": {"permissions": {}}}),
    ),
    "questions": (
        *(QUESTIONS_METHOD, QUESTIONS, UserInputRequest),
        lambda r: r.answer({"colour": "Red", "name": ["Halcyon", "Periwinkle"]}),
        {
            "result": {
                "answers": {"colour": {"answers": ["Red"]}, "name": {"answers": ["Halcyon", "Periwinkle"]}}
            }
        },
    ),
    "questions without an answer": (
        *(QUESTIONS_METHOD, QUESTIONS, UserInputRequest),
        *(lambda r: r.answer({}), {"result": {"answers": {}}}),
    ),
    "questions refuse": (
        *(QUESTIONS_METHOD, QUESTIONS, UserInputRequest),
        *(lambda r: r.refuse(), {"result": {"answers": {}}}),
    ),
    "form": (
        *(FORM_METHOD, FORM, Elicitation),
        lambda r: r.submit({"berth": "A1"}),
        {"result": {"action": "accept", "content": {"berth": "A1"}}},
    ),
    "form decline": (
        *(FORM_METHOD, FORM, Elicitation),
        *(lambda r: r.decline(), {"result": {"action": "decline", "content": None}}),
    ),
    "form cancel": (
        *(FORM_METHOD, FORM, Elicitation),
        *(lambda r: r.cancel(), {"result": {"action": "cancel", "content": None}}),
    ),
    "form refuse": (
        *(FORM_METHOD, FORM, Elicitation),
        *(lambda r: r.refuse(), {"result": {"action": "decline", "content": None}}),
    ),
    "may a tool be called": (
        *(FORM_METHOD, MAY_CALL, Elicitation),
        *(lambda r: r.submit(), {"result": {"action": "accept", "content": {}}}),
    ),
    "may a tool be called, always": (
        *(FORM_METHOD, MAY_CALL, Elicitation),
        lambda r: r.submit(persist=r.persist_options[1]),
        {"result": {"action": "accept", "content": {}, "_meta": {"persist": "always"}}},
    ),
    "page": (
        *(FORM_METHOD, PAGE, Elicitation),
        *(lambda r: r.submit(), {"result": {"action": "accept", "content": None}}),
    ),
    "call succeeds": (
        *(CALL_METHOD, CALL, ToolCall),
        lambda r: r.succeed("a book"),
        {"result": {"contentItems": [{"type": "inputText", "text": "a book"}], "success": True}},
    ),
    "call with items": (
        *(CALL_METHOD, CALL, ToolCall),
        lambda r: r.succeed(["a book", IMAGE]),
        {"result": {"contentItems": [{"type": "inputText", "text": "a book"}, IMAGE], "success": True}},
    ),
    "call without a word": (
        *(CALL_METHOD, CALL, ToolCall),
        *(lambda r: r.succeed([]), {"result": {"contentItems": [], "success": True}}),
    ),
    "call fails": (
        *(CALL_METHOD, CALL, ToolCall),
        lambda r: r.fail("no such word"),
        {"result": {"contentItems": [{"type": "inputText", "text": "no such word"}], "success": False}},
    ),
    "call refuse": (CALL_METHOD, CALL, ToolCall, lambda r: r.refuse(), {"result": REFUSED_CALL}),
    "tokens": (
        *(REFRESH_METHOD, REFRESH, TokenRefresh),
        lambda r: r.provide("jwt", "acc"),
        {"result": {"accessToken": "jwt", "chatgptAccountId": "acc", "chatgptPlanType": None}},
    ),
    "tokens of a plan": (
        *(REFRESH_METHOD, REFRESH, TokenRefresh),
        lambda r: r.provide("jwt", r.previous_account_id, "pro"),
        {"result": {"accessToken": "jwt", "chatgptAccountId": "acc", "chatgptPlanType": "pro"}},
    ),
    "tokens refuse": (REFRESH_METHOD, REFRESH, TokenRefresh, lambda r: r.refuse(), ERROR),
    "attestation": (
        *("attestation/generate", {}, Attestation),
        *(lambda r: r.provide("v1.x"), {"result": {"token": "v1.x"}}),
    ),
    "attestation refuse": ("attestation/generate", {}, Attestation, lambda r: r.refuse(), ERROR),
    "time": (
        *("currentTime/read", {"threadId": "t"}, CurrentTime),
        *(lambda r: r.provide(1_000_000_000.9), {"result": {"currentTimeAt": 1_000_000_000}}),
    ),
    "time as a date": (
        *("currentTime/read", {"threadId": "t"}, CurrentTime),
        lambda r: r.provide(datetime(2001, 9, 9, 1, 46, 40, tzinfo=timezone.utc)),
        {"result": {"currentTimeAt": 1_000_000_000}},
    ),
    "time refuse": ("currentTime/read", {"threadId": "t"}, CurrentTime, lambda r: r.refuse(), ERROR),
    "legacy command accept": (
        *("execCommandApproval", EXEC, LegacyCommandApproval),
        *(lambda r: r.accept(), said("approved")),
    ),
    "legacy command session": (
        *("execCommandApproval", EXEC, LegacyCommandApproval),
        *(lambda r: r.accept_for_session(), said("approved_for_session")),
    ),
    "legacy command decline": (
        *("execCommandApproval", EXEC, LegacyCommandApproval),
        *(lambda r: r.decline("too late"), said({"denied": {"rejection": "too late"}})),
    ),
    "legacy command cancel": (
        *("execCommandApproval", EXEC, LegacyCommandApproval),
        *(lambda r: r.cancel(), said("abort")),
    ),
    "legacy command refuse": (
        *("execCommandApproval", EXEC, LegacyCommandApproval),
        *(lambda r: r.refuse(), {"result": DENIED}),
    ),
    "legacy patch accept": (
        *("applyPatchApproval", PATCH, LegacyPatchApproval),
        *(lambda r: r.accept(), said("approved")),
    ),
    "legacy patch session": (
        *("applyPatchApproval", PATCH, LegacyPatchApproval),
        *(lambda r: r.accept_for_session(), said("approved_for_session")),
    ),
    "legacy patch decline": (
        *("applyPatchApproval", PATCH, LegacyPatchApproval),
        *(lambda r: r.decline("too late"), said({"denied": {"rejection": "too late"}})),
    ),
    "legacy patch cancel": (
        *("applyPatchApproval", PATCH, LegacyPatchApproval),
        *(lambda r: r.cancel(), said("abort")),
    ),
    "legacy patch refuse": (
        *("applyPatchApproval", PATCH, LegacyPatchApproval),
        *(lambda r: r.refuse(), {"result": DENIED}),
    ),
    "unknown respond": (
        *("brand/new", {"x": 1}, UnknownRequest),
        *(lambda r: r.respond({"y": [None, 2]}), {"result": {"y": [None, 2]}}),
    ),
    "unknown fail": (
        *("brand/new", {"x": 1}, UnknownRequest),
        *(lambda r: r.fail(-32000, "not today"), {"error": {"code": -32000, "message": "not today"}}),
    ),
    "unknown refuse": ("brand/new", {"x": 1}, UnknownRequest, lambda r: r.refuse(), ERROR),
    "params of another shape": (
        *(COMMAND_METHOD, {**T1, "itemId": 7}, UnknownRequest),
        *(lambda r: r.respond({"decision": "accept"}), said("accept")),
    ),
    "params of another shape, refused": (
        *(COMMAND_METHOD, {**T1, "itemId": 7}, UnknownRequest),
        *(lambda r: r.refuse(), said("decline")),
    ),
}

# A call that must not be written, and what it raises.
WRONG: dict[str, tuple[str, dict[str, Any], Callable[[Any], object], type[Exception]]] = {
    "a rule that was not proposed": (
        *(COMMAND_METHOD, {**AT, "command": "ls", "availableDecisions": ["accept", "cancel"]}),
        *(lambda r: r.accept_with_execpolicy_amendment(), InvalidInputError),
    ),
    "a host that was not proposed": (
        *(COMMAND_METHOD, COMMAND),
        lambda r: r.apply_network_policy_amendment(
            r.network_policy_amendments[0].model_copy(update={"host": "evil.example"})
        ),
        InvalidInputError,
    ),
    "a scope that there is not": (
        *(PERMISSIONS_METHOD, PERMISSIONS, lambda r: r.grant(scope="for ever"), InvalidInputError),
    ),
    "a grant that is no profile": (
        *(PERMISSIONS_METHOD, PERMISSIONS, lambda r: r.grant("all"), InvalidInputTypeError),
    ),
    "a grant of another shape": (
        *(PERMISSIONS_METHOD, PERMISSIONS, lambda r: r.grant({"fileSystem": "all"}), InvalidInputError),
    ),
    "an answer to no question": (
        *(QUESTIONS_METHOD, QUESTIONS, lambda r: r.answer({"size": "L"}), InvalidInputError),
    ),
    "an answer that is no text": (
        *(QUESTIONS_METHOD, QUESTIONS, lambda r: r.answer({"name": 3}), InvalidInputTypeError),
    ),
    "half a form": (FORM_METHOD, FORM, lambda r: r.submit({"side": "port"}), InvalidInputError),
    "a form that is none": (FORM_METHOD, FORM, lambda r: r.submit(["A1"]), InvalidInputTypeError),
    "a form that is not JSON": (
        FORM_METHOD,
        FORM,
        lambda r: r.submit({"berth": object()}),
        InvalidInputError,
    ),
    "a time that is not offered": (
        *(FORM_METHOD, MAY_CALL, lambda r: r.submit(persist="for ever"), InvalidInputError),
    ),
    "a time where none is offered": (
        *(FORM_METHOD, FORM, lambda r: r.submit({"berth": "A1"}, persist="always"), InvalidInputError),
    ),
    "half a character": (FORM_METHOD, FORM, lambda r: r.submit({"berth": "\ud800"}), InvalidInputError),
    "content that is none": (CALL_METHOD, CALL, lambda r: r.succeed(3), InvalidInputTypeError),
    "an item that is none": (CALL_METHOD, CALL, lambda r: r.succeed([3]), InvalidInputTypeError),
    "a token that is none": (REFRESH_METHOD, REFRESH, lambda r: r.provide(None, "acc"), InvalidInputError),
    "a time without a zone": (
        *("currentTime/read", {"threadId": "t"}),
        *(lambda r: r.provide(datetime(2001, 9, 9)), InvalidInputTypeError),
    ),
    "a time that is none": (
        *("currentTime/read", {"threadId": "t"}, lambda r: r.provide("now"), InvalidInputTypeError),
    ),
    "a reason that is none": (*("execCommandApproval", EXEC, lambda r: r.decline(3), InvalidInputTypeError),),
    "a result that is none": ("brand/new", {}, lambda r: r.respond([1]), InvalidInputTypeError),
    "a code that is none": ("brand/new", {}, lambda r: r.fail("x", "y"), InvalidInputTypeError),
}


# --- senders


def config(peer: ScriptedPeer, **fields: Any) -> CodexConfig:
    peer.answers |= {
        "thread/start": {"thread": {"id": "t"}},
        "thread/resume": {"thread": {"id": "t"}},
        "turn/start": lambda params: started(f"turn of {params['threadId']}"),
        "model/list": {"data": []},
    }
    return CodexConfig(launch_args_override=peer.argv, **fields)


def ask(
    peer: ScriptedPeer, number: Any, method: str = COMMAND_METHOD, params: Any = COMMAND, **more: Any
) -> None:
    peer.send({"id": number, "method": method, "params": {**params, **more}})


def resolved(number: Any) -> dict[str, Any]:
    return {"method": "serverRequest/resolved", "params": {"threadId": "t", "requestId": number}}


def thread_event(method: str) -> dict[str, Any]:
    return {"method": method, "params": {"threadId": "t"}}


def over(status: str = "completed") -> dict[str, Any]:
    return event("turn/completed", "t", "turn of t", status=status)


def spawned(parent: str, child: str) -> dict[str, Any]:
    """A sub-agent is announced in its parent's thread."""
    item: dict[str, Any] = {
        "type": "subAgentActivity",
        "id": f"spawn of {child}",
        "kind": "started",
        "agentThreadId": child,
    }
    item |= {"agentPath": f"/root/{child}", "model": None, "reasoningEffort": None}
    return event("item/started", parent, f"turn of {parent}", item=item, startedAtMs=1)
