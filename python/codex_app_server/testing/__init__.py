"""Test programs against the real runtime without an account and without a network: a scripted model on this
machine.

Exports only. `OfflineModel` is the entry; `Answer` and its parts say what the model answers, `ModelRequest`
what it was asked. Needs the extra: `pip install "codex-app-server-sdk[testing]"`.
"""

from .answers import Answer, Usage
from .endings import Disconnect, HttpFailure, Incomplete, ResponseFailure
from .errors import MissingRequestsError, OfflineModelError, ScriptError
from .limits import Credits, RateLimit, RateLimits
from .model import OfflineModel
from .parts import CustomToolCall, Event, FunctionCall, Message, MessagePhase, Pause, Reasoning, Stall
from .requests import ModelRequest
from .script import Responder, Script

__all__ = [
    "Answer",
    "Credits",
    "CustomToolCall",
    "Disconnect",
    "Event",
    "FunctionCall",
    "HttpFailure",
    "Incomplete",
    "Message",
    "MessagePhase",
    "MissingRequestsError",
    "ModelRequest",
    "OfflineModel",
    "OfflineModelError",
    "Pause",
    "RateLimit",
    "RateLimits",
    "Reasoning",
    "Responder",
    "ResponseFailure",
    "Script",
    "ScriptError",
    "Stall",
    "Usage",
]
