"""A Python client for the Codex runtime's app-server protocol, with a native transport.

    from codex_app_server import Codex

    with Codex() as codex:
        print(codex.thread_start().run("Hello.").final_response)

`Codex` and `AsyncCodex` are the clients, `Thread` and `TurnHandle` what they make. `types` has the models of
the protocol, `errors` every error, `requests` what the runtime asks, `tools` and `testing` the rest.
"""

# Exports only. Importing it starts nothing and does not import the generated models; `types` and
# `generated.v2_all` have those. What only older programs import from here comes on demand.

import logging
from typing import TYPE_CHECKING

try:
    # First, so that it is explained if it cannot be loaded.
    from . import _native  # noqa: F401
except ImportError as error:
    from ._package.native_import import give_up

    give_up(error)

from ._async.client import AsyncCodex
from ._async.goal import AsyncGoalHandle
from ._async.login import AsyncChatgptLoginHandle, AsyncDeviceCodeLoginHandle
from ._async.notifications import AsyncNotificationStream
from ._async.programs import AsyncCommandHandle, AsyncProcessHandle
from ._async.pulling import AsyncRequests
from ._async.stream import AsyncTextStream, AsyncTurnStream
from ._async.thread import AsyncThread
from ._async.turn import AsyncTurnHandle
from ._async.watching import AsyncFsWatch, AsyncFuzzyFileSearch
from ._incoming.goals import GoalResult
from ._incoming.output_chunks import OutputChunk
from ._incoming.result import TurnResult
from ._launch.config import CodexConfig
from ._outgoing.approval_mode import ApprovalMode
from ._outgoing.inputs import (
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
from ._outgoing.omit import OMIT, Omit
from ._outgoing.sandbox import Sandbox
from ._package import lazy
from ._package.stand_in import install_as_openai_codex
from ._sync.client import Codex
from ._sync.goal import GoalHandle
from ._sync.login import ChatgptLoginHandle, DeviceCodeLoginHandle
from ._sync.notifications import NotificationStream
from ._sync.programs import CommandHandle, ProcessHandle
from ._sync.pulling import Requests
from ._sync.stream import TextStream, TurnStream
from ._sync.thread import Thread
from ._sync.turn import TurnHandle
from ._sync.watching import FsWatch, FuzzyFileSearch
from ._version import __version__
from .errors import (
    AlreadyImportedError,
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
    MessageTooLongError,
    MethodNotFoundError,
    NoRequestHandlerError,
    NotStartedError,
    OutputValidationError,
    ParseError,
    ReentrantCallError,
    RequestAnsweredError,
    RequestHandlerError,
    RequestNotFoundError,
    RequestSettledError,
    RequestTimeoutError,
    RetryLimitExceededError,
    RuntimeTooOldError,
    ServerBusyError,
    SettingsNotAppliedError,
    StartupError,
    StreamClosedError,
    StreamOverflowError,
    TransportClosedError,
    TurnFailedError,
    TurnNotRunningError,
    TurnNotSteerableError,
    TurnTimeoutError,
    WaitTimeoutError,
    WorkingDirectoryError,
    WriteQueueFullError,
    is_retryable_error,
)
from .models import Notification
from .retry import async_retry_on_overload, retry_on_overload

if TYPE_CHECKING:
    from . import api, async_client, client, requests, testing, tools, types  # noqa: F401
    from ._async.rpc import AsyncRpc
    from ._incoming.metadata import InitializeResponse
    from ._sync.rpc import Rpc
    from .async_client import AsyncAppServerClient
    from .client import AppServerClient
    from .generated.v2_all import TurnStatus
    from .tools import Tool, ToolContext, ToolError, tool

# Older names of the same things.
AppServerConfig = CodexConfig
RunResult = TurnResult

__all__ = [
    "OMIT",
    "AlreadyImportedError",
    "AppServerClient",
    "AppServerConfig",
    "ApprovalMode",
    "AsyncAppServerClient",
    "AsyncChatgptLoginHandle",
    "AsyncCodex",
    "AsyncCommandHandle",
    "AsyncDeviceCodeLoginHandle",
    "AsyncFsWatch",
    "AsyncFuzzyFileSearch",
    "AsyncGoalHandle",
    "AsyncNotificationStream",
    "AsyncProcessHandle",
    "AsyncRequests",
    "AsyncRpc",
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
    "GoalHandle",
    "GoalResult",
    "ImageInput",
    "InitializeResponse",
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
    "MessageTooLongError",
    "MethodNotFoundError",
    "NoRequestHandlerError",
    "NotStartedError",
    "Notification",
    "NotificationStream",
    "Omit",
    "OutputChunk",
    "OutputValidationError",
    "ParseError",
    "ProcessHandle",
    "ReentrantCallError",
    "RequestAnsweredError",
    "RequestHandlerError",
    "RequestNotFoundError",
    "RequestSettledError",
    "RequestTimeoutError",
    "Requests",
    "RetryLimitExceededError",
    "Rpc",
    "RunInput",
    "RunResult",
    "RuntimeTooOldError",
    "Sandbox",
    "ServerBusyError",
    "SettingsNotAppliedError",
    "SkillInput",
    "StartupError",
    "StreamClosedError",
    "StreamOverflowError",
    "TextInput",
    "TextStream",
    "Thread",
    "Tool",
    "ToolContext",
    "ToolError",
    "TransportClosedError",
    "TurnFailedError",
    "TurnHandle",
    "TurnNotRunningError",
    "TurnNotSteerableError",
    "TurnResult",
    "TurnStatus",
    "TurnStream",
    "TurnTimeoutError",
    "WaitTimeoutError",
    "WorkingDirectoryError",
    "WriteQueueFullError",
    "__version__",
    "async_retry_on_overload",
    "install_as_openai_codex",
    "is_retryable_error",
    "retry_on_overload",
    "tool",
]

# So that nothing is printed where logging is not configured: without a handler, Python prints warnings.
logging.getLogger(__name__).addHandler(logging.NullHandler())

if not TYPE_CHECKING:  # a checker that saw these would take any name for one of this module
    __getattr__, __dir__ = lazy.hooks(globals(), submodules=lazy.SUBMODULES)
