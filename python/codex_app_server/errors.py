"""Every error that the SDK raises.

Owns the tree and the names; the classes are written in `_errors`. Exports only, starts nothing, and everybody
imports errors from here.

::

    CodexError
    ├── LaunchError                      the runtime could not be started
    │   ├── BinaryNotFoundError          (also FileNotFoundError)
    │   ├── BinaryNotExecutableError     (also PermissionError)
    │   ├── WorkingDirectoryError        (also NotADirectoryError, FileNotFoundError)
    │   ├── DescriptorLimitError         (also OSError) too many open files
    │   └── StartupError                 (also TransportClosedError) it ran, but did not become ready
    ├── TransportClosedError             the connection has ended: exit code, signal, end of stderr
    │   ├── ClientClosedError            … because this program closed it
    │   ├── ForkedProcessError           … because this process is a fork of the one that opened it
    │   └── MessageTooLongError          … because the runtime's message was longer than allowed
    ├── StreamClosedError                only this stream has ended; the connection lives on
    ├── AlreadyImportedError             (also RuntimeError) the official package cannot be replaced any more
    ├── RuntimeTooOldError               an option needs a newer runtime
    ├── NotStartedError                  (also RuntimeError) asked before the runtime was started
    ├── ReentrantCallError               (also RuntimeError) a signal handler called what it has interrupted
    ├── JsonRpcError                     the runtime answered with an error: code, message, data
    │   └── CodexRpcError
    │       ├── ParseError
    │       ├── InvalidRequestError
    │       │   ├── TurnNotRunningError  the turn or goal to steer or interrupt is over
    │       │   └── TurnNotSteerableError  it runs, and takes no input
    │       ├── MethodNotFoundError
    │       ├── InvalidParamsError
    │       ├── InternalRpcError
    │       └── ServerBusyError          worth retrying
    │           └── RetryLimitExceededError
    ├── RequestTimeoutError              (also TimeoutError) no answer in time
    ├── TurnTimeoutError                 (also TimeoutError) a turn took too long, or was silent for too long
    ├── WaitTimeoutError                 (also TimeoutError) what was waited for goes on
    ├── WriteQueueFullError              the runtime takes requests too slowly
    ├── TurnFailedError                  (also RuntimeError) the turn ended with status "failed"
    ├── OutputValidationError            (also ValueError) a final response is not of the type that was wanted
    ├── StreamOverflowError              events of one stream were dropped, and how many
    ├── SettingsNotAppliedError          a thread has other settings than those that were asked for
    ├── NoRequestHandlerError            a thread is to ask, and nobody would answer
    ├── RequestSettledError              a request of the runtime waits for no answer any more
    │   └── RequestAnsweredError         … because it was answered
    ├── RequestNotFoundError             (also LookupError) no open request has this token
    ├── RequestHandlerError              a handler of requests failed, so what it was asked was refused
    ├── InvalidInputError                (also ValueError) refused before anything was sent
    └── InvalidInputTypeError            (also TypeError) refused before anything was sent

All of them keep their data when they are pickled or copied.
"""

from __future__ import annotations

from ._errors.base import CodexError, _restore
from ._errors.calls import (
    AlreadyImportedError,
    CodexRpcError,
    InternalRpcError,
    InvalidInputError,
    InvalidInputTypeError,
    InvalidParamsError,
    InvalidRequestError,
    JsonRpcError,
    MethodNotFoundError,
    NotStartedError,
    ParseError,
    ReentrantCallError,
    RequestTimeoutError,
    RetryLimitExceededError,
    RuntimeTooOldError,
    ServerBusyError,
    SettingsNotAppliedError,
    TurnNotRunningError,
    TurnNotSteerableError,
    WaitTimeoutError,
    WriteQueueFullError,
    is_retryable_error,
    map_jsonrpc_error,
)
from ._errors.launch import (
    BinaryNotExecutableError,
    BinaryNotFoundError,
    DescriptorLimitError,
    LaunchError,
    StartupError,
    WorkingDirectoryError,
)
from ._errors.transport import (
    ClientClosedError,
    ForkedProcessError,
    MessageTooLongError,
    StreamClosedError,
    StreamOverflowError,
    TransportClosedError,
)
from ._errors.turns import (
    NoRequestHandlerError,
    OutputValidationError,
    RequestAnsweredError,
    RequestHandlerError,
    RequestNotFoundError,
    RequestSettledError,
    TurnFailedError,
    TurnTimeoutError,
)

__all__ = [
    "AlreadyImportedError",
    "BinaryNotExecutableError",
    "BinaryNotFoundError",
    "ClientClosedError",
    "CodexError",
    "CodexRpcError",
    "DescriptorLimitError",
    "ForkedProcessError",
    "InternalRpcError",
    "InvalidInputError",
    "InvalidInputTypeError",
    "InvalidParamsError",
    "InvalidRequestError",
    "JsonRpcError",
    "LaunchError",
    "MessageTooLongError",
    "MethodNotFoundError",
    "NoRequestHandlerError",
    "NotStartedError",
    "OutputValidationError",
    "ParseError",
    "ReentrantCallError",
    "RequestAnsweredError",
    "RequestHandlerError",
    "RequestNotFoundError",
    "RequestSettledError",
    "RequestTimeoutError",
    "RetryLimitExceededError",
    "RuntimeTooOldError",
    "ServerBusyError",
    "SettingsNotAppliedError",
    "StartupError",
    "StreamClosedError",
    "StreamOverflowError",
    "TransportClosedError",
    "TurnFailedError",
    "TurnNotRunningError",
    "TurnNotSteerableError",
    "TurnTimeoutError",
    "WaitTimeoutError",
    "WorkingDirectoryError",
    "WriteQueueFullError",
    "is_retryable_error",
    "map_jsonrpc_error",
]

# Programs see one module, in tracebacks and in pickles. A pickle names `errors`, and `_restore` of it, as it
# did when all was written here: versions from before that and later ones read each other's.
for _each in (*map(globals().__getitem__, __all__), _restore):
    _each.__module__ = __name__
