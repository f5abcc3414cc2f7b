"""A Python client for the Codex runtime's app-server protocol, with a native transport.

Exports only. Importing it starts nothing and does not import the generated models; `types` and
`generated.v2_all` have those.
"""

from ._approval_mode import ApprovalMode
from ._async.client import AsyncCodex
from ._async.login import AsyncChatgptLoginHandle, AsyncDeviceCodeLoginHandle
from ._async.notifications import AsyncNotificationStream
from ._async.programs import AsyncCommandHandle, AsyncProcessHandle
from ._async.stream import AsyncTextStream, AsyncTurnStream
from ._async.thread import AsyncThread
from ._async.turn import AsyncTurnHandle
from ._async.watching import AsyncFsWatch, AsyncFuzzyFileSearch
from ._config import CodexConfig
from ._inputs import (
    ExternalMessage,
    ImageInput,
    Input,
    InputItem,
    LocalImageInput,
    MentionInput,
    RunInput,
    SkillInput,
    TextInput,
)
from ._omit import OMIT, Omit
from ._output import OutputChunk
from ._result import TurnResult
from ._sandbox import Sandbox
from ._sync.client import Codex
from ._sync.login import ChatgptLoginHandle, DeviceCodeLoginHandle
from ._sync.notifications import NotificationStream
from ._sync.programs import CommandHandle, ProcessHandle
from ._sync.stream import TextStream, TurnStream
from ._sync.thread import Thread
from ._sync.turn import TurnHandle
from ._sync.watching import FsWatch, FuzzyFileSearch
from ._version import __version__
from .errors import (
    BinaryNotExecutableError,
    BinaryNotFoundError,
    ClientClosedError,
    CodexError,
    CodexRpcError,
    DescriptorLimitError,
    ForkedProcessError,
    InternalRpcError,
    InvalidInputError,
    InvalidInputTypeError,
    InvalidParamsError,
    InvalidRequestError,
    JsonRpcError,
    LaunchError,
    MethodNotFoundError,
    NotStartedError,
    ParseError,
    RequestTimeoutError,
    RetryLimitExceededError,
    ServerBusyError,
    StartupError,
    StreamClosedError,
    StreamOverflowError,
    TransportClosedError,
    TurnFailedError,
    WorkingDirectoryError,
    WriteQueueFullError,
    is_retryable_error,
)
from .models import Notification
from .retry import async_retry_on_overload, retry_on_overload

# Older names of the same things.
AppServerConfig = CodexConfig
RunResult = TurnResult

__all__ = [
    "OMIT",
    "AppServerConfig",
    "ApprovalMode",
    "AsyncChatgptLoginHandle",
    "AsyncCodex",
    "AsyncCommandHandle",
    "AsyncDeviceCodeLoginHandle",
    "AsyncFsWatch",
    "AsyncFuzzyFileSearch",
    "AsyncNotificationStream",
    "AsyncProcessHandle",
    "AsyncTextStream",
    "AsyncThread",
    "AsyncTurnHandle",
    "AsyncTurnStream",
    "BinaryNotExecutableError",
    "BinaryNotFoundError",
    "ChatgptLoginHandle",
    "ClientClosedError",
    "Codex",
    "CodexConfig",
    "CodexError",
    "CodexRpcError",
    "CommandHandle",
    "DescriptorLimitError",
    "DeviceCodeLoginHandle",
    "ExternalMessage",
    "ForkedProcessError",
    "FsWatch",
    "FuzzyFileSearch",
    "ImageInput",
    "Input",
    "InputItem",
    "InternalRpcError",
    "InvalidInputError",
    "InvalidInputTypeError",
    "InvalidParamsError",
    "InvalidRequestError",
    "JsonRpcError",
    "LaunchError",
    "LocalImageInput",
    "MentionInput",
    "MethodNotFoundError",
    "NotStartedError",
    "Notification",
    "NotificationStream",
    "Omit",
    "OutputChunk",
    "ParseError",
    "ProcessHandle",
    "RequestTimeoutError",
    "RetryLimitExceededError",
    "RunInput",
    "RunResult",
    "Sandbox",
    "ServerBusyError",
    "SkillInput",
    "StartupError",
    "StreamClosedError",
    "StreamOverflowError",
    "TextInput",
    "TextStream",
    "Thread",
    "TransportClosedError",
    "TurnFailedError",
    "TurnHandle",
    "TurnResult",
    "TurnStream",
    "WorkingDirectoryError",
    "WriteQueueFullError",
    "__version__",
    "async_retry_on_overload",
    "is_retryable_error",
    "retry_on_overload",
]
