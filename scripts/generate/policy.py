"""The columns of the protocol tables that no schema has.

Owns every judgement about a method that was made by a person: which notifications may be dropped
under memory pressure, which properties name a stream and what ends one, which window a request is
admitted to, and how a server request is refused when nobody handles it. Everything else in the
tables is derived. ``protocol.py`` checks that each method and property named here exists and that
no server request lacks a refusal.
"""

from __future__ import annotations

from typing import Any

# Dropped first when a mailbox outgrows its budget. Each is either a piece of something that comes
# whole later (an item's text, output or patch stands in item/completed), or one of a series in
# which the next replaces it. What ends something, starts something, counts tokens or reports a
# fault is never here: run() must end with the right result after an overflow.
DROPPABLE: frozenset[str] = frozenset(
    {
        "item/agentMessage/delta",
        "item/plan/delta",
        "item/reasoning/summaryTextDelta",
        "item/reasoning/summaryPartAdded",
        "item/reasoning/textDelta",
        "item/commandExecution/outputDelta",
        "item/commandExecution/terminalInteraction",
        "item/fileChange/outputDelta",
        "item/fileChange/patchUpdated",
        "item/mcpToolCall/progress",
        "turn/diff/updated",
        "turn/plan/updated",
        # Streams of bytes. Their loss is counted and reported like any other, and their end
        # (command/exec's response, process/exited) is kept.
        "command/exec/outputDelta",
        "process/outputDelta",
        "thread/realtime/item/transcript/delta",
        "thread/realtime/transcript/delta",
        "thread/realtime/outputAudio/delta",
        "externalAgentConfig/import/progress",
        # Each update carries the whole list of matches so far.
        "fuzzyFileSearch/sessionUpdated",
    }
)

# Properties that hold a key or a one-time code: no repr of a model shows them.
SECRETS: frozenset[str] = frozenset(
    {
        "accessToken",
        "apiKey",
        "authBearerToken",
        "manualPairingCode",
        "pairingCode",
        "secretAccessKey",
        "sessionToken",
        "token",
        "userCode",
    }
)

# What every turn sends that comes to an answer. Their models stand in a home of their own. With that of the
# turns' flat payloads it is all that a first turn loads, and both are made ready while the runtime boots.
EVERY_TURN: tuple[str, ...] = (
    "turn/started",
    "item/started",
    "item/completed",
    "thread/tokenUsage/updated",
    "turn/completed",
)

# Properties that name the stream which a notification belongs to: a login, a command, a watch. Each
# is chosen by the client or told it in an answer, so that it can listen for it. That a notification
# has one is derived; what is a turn's has none, whatever its properties.
SUBJECTS: tuple[str, ...] = (
    "loginId",
    "processId",
    "processHandle",
    "watchId",
    "sessionId",
    "subscriptionId",
    "importId",
)

# The last word about a turn or a stream: never dropped, and nothing follows it.
# fuzzyFileSearch/sessionCompleted is none: it comes after every query of a session.
ENDS: frozenset[str] = frozenset(
    {
        "turn/completed",
        "process/exited",
        "account/login/completed",
        "mcpServer/oauthLogin/completed",
        "externalAgentConfig/import/completed",
    }
)

# What a turn's result is folded from.
RESULT: frozenset[str] = frozenset(
    {"item/completed", "thread/tokenUsage/updated", "turn/completed", "error"},
)

# The text of a turn's messages, and what ends it.
TEXT: frozenset[str] = frozenset({"item/agentMessage/delta", "turn/completed", "error"})

# Answered only when work ends that has no bound of its own: these get no default deadline. A round trip to a
# service (accounts, rate limits, model lists) is not here: the runtime bounds it, and a caller is better
# served by a deadline.
OPEN_ENDED: frozenset[str] = frozenset(
    {
        # Programs that the caller chose. process/spawn answers once the process has started.
        "command/exec",
        # MCP servers are other people's code.
        "mcpServer/tool/call",
        "mcpServer/resource/read",
        # A person is asked (a fingerprint, a browser).
        "userVerification/enroll",
        "userVerification/verify",
        "account/gatewayOAuth/login",
        # Clones, downloads and uploads, as long as the content is big.
        "marketplace/add",
        "marketplace/upgrade",
        "plugin/install",
        "plugin/reconcile",
        "plugin/share/save",
        "plugin/share/checkout",
        "feedback/upload",
        # Trees of files, as long as the tree is big; half of one is no use.
        "fs/copy",
        "fs/remove",
    }
)

# Slow work: these and the open-ended ones have a window apart, so that they cannot keep the short requests
# out. Each comes to an end by itself, though, so a deadline tells a caller that something hangs.
SLOW: frozenset[str] = frozenset(
    {
        # It starts every MCP server, and the runtime gives each a time to start in.
        "mcpServerStatus/list",
        # A server may be started or asked, but these are answered before the work begins: with the address
        # for a browser, and with the stream that is open. A notification tells of what follows.
        "mcpServer/oauth/login",
        "mcpServer/event/stream/start",
        # Only names are read, and a person waits for them. One that is too slow can be cancelled.
        "fuzzyFileSearch",
        # A few known places, and so many sessions as the caller says.
        "externalAgentConfig/detect",
        # Stored history is read for one page. Whoever gets none in time asks for less.
        "thread/search",
        "thread/searchOccurrences",
    }
)

# Reserved slots: what ends, steers or pauses work must get through while every other slot is taken.
# All of them are answered at once by the runtime. review/start, thread/compact/start,
# thread/shellCommand and turn/start are answered at once too, but they make work, so they queue.
CONTROL: frozenset[str] = frozenset(
    {
        "turn/interrupt",
        "turn/steer",
        "turn/settings/update",
        "thread/unsubscribe",
        "thread/increment_elicitation",
        "thread/decrement_elicitation",
        "thread/backgroundTerminals/terminate",
        "thread/realtime/stop",
        "command/exec/terminate",
        "process/kill",
        "fs/unwatch",
        "fuzzyFileSearch/sessionStop",
        "mcpServer/event/stream/stop",
        "account/login/cancel",
        "account/gatewayOAuth/cancel",
        "userVerification/cancel",
    }
)

_UNHANDLED = "No handler is registered for this request."

# How a server request is refused when nobody handles it: the result to send, or None for a JSON-RPC
# error where no result means no. "decline" and not "cancel": the turn goes on.
REFUSALS: dict[str, dict[str, Any] | None] = {
    "item/commandExecution/requestApproval": {"decision": "decline"},
    "item/fileChange/requestApproval": {"decision": "decline"},
    "item/permissions/requestApproval": {"permissions": {}},
    "item/tool/requestUserInput": {"answers": {}},
    "mcpServer/elicitation/request": {"action": "decline", "content": None},
    "item/tool/call": {
        "contentItems": [{"type": "inputText", "text": _UNHANDLED}],
        "success": False,
    },
    "account/chatgptAuthTokens/refresh": None,
    "attestation/generate": None,
    "currentTime/read": None,
    # The two oldest, still sent by older thread configurations.
    "applyPatchApproval": {"decision": {"denied": {"rejection": _UNHANDLED}}},
    "execCommandApproval": {"decision": {"denied": {"rejection": _UNHANDLED}}},
}

# Responses whose name does not follow from the name of their request's params or title.
RESPONSES: dict[str, str] = {
    "account/gatewayOAuth/cancel": "GatewayOAuthCancelResponse",
    "account/gatewayOAuth/login": "GatewayOAuthLoginResponse",
    "account/gatewayOAuth/read": "GatewayOAuthReadResponse",
    "account/logout": "LogoutAccountResponse",
    "account/workspaceMessages/read": "GetWorkspaceMessagesResponse",
    "config/batchWrite": "ConfigWriteResponse",
    "config/mcpServer/reload": "McpServerRefreshResponse",
    "config/value/write": "ConfigWriteResponse",
    "externalAgentConfig/import/readHistories": "ExternalAgentConfigImportHistoriesReadResponse",
}

# Enums whose members are str too, as in the official SDK (which compares them with plain strings).
STRING_ENUMS: frozenset[str] = frozenset(
    {"CodexErrorInfoValue", "PlanType", "ReasoningEffort", "ThreadSource"}
)

# Definitions that the schema calls plain strings, with the values that the official SDK knows.
OPEN_STRINGS: dict[str, list[tuple[str, str | None]]] = {
    "ReasoningEffort": [
        (value, None) for value in ("none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra")
    ],
    "ThreadSource": [(value, None) for value in ("user", "subagent", "memory_consolidation")],
}

# Fields that the schema requires (as null or a value) and the official SDK lets programs leave out.
OPTIONAL: dict[str, set[str]] = {
    "Thread": {"projectId"},
    "ThreadProjectUpdatedNotification": {"projectId"},
    "ThreadSectionMoveParams": {"sectionId"},
}

# Tagged unions whose tag the runtime lets a caller leave out, against its schema, with the variant that it
# takes such an object for. docs/design/models.md has what was measured of every union that a caller sends.
UNTAGGED: dict[str, str] = {
    # A tool without `type` is in the older format: a function, whose `namespace` is a field of its own.
    "DynamicToolSpec": "function",
}

# Descriptions in the schema that are not about the request: a heading of the runtime's source, and a remark
# on the type of the params.
NO_DESCRIPTIONS: frozenset[str] = frozenset(
    {
        "NEW APIs",
        "Usage-read capabilities of the requesting client, never inferred from its experiment arm.",
    }
)
