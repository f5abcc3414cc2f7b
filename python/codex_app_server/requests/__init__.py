"""What the runtime asks of the program: approvals, questions, forms, calls of tools.

Exports only. A handler (`on_request=` of the clients and of `thread_start()`) gets one of these objects per
request, and so does who iterates over `requests()`. Each has the methods that its answers are. The classes
read well in a `match`:

    >>> def on_request(request):
    ...     match request:
    ...         case CommandApproval(command=command):
    ...             print(command)
    ...             request.decline()
    ...         case FileChangeApproval(paths=paths, diff=diff):
    ...             request.accept()
    ...         case _:
    ...             request.refuse()
"""

from ._accepting import dangerously_accept_all
from ._approvals import CommandApproval, FileChangeApproval, PermissionsApproval
from ._automatic import Attestation, CurrentTime, TokenRefresh
from ._base import AsyncOnRequest, OnRequest, ServerRequest, Settlement
from ._legacy import LegacyCommandApproval, LegacyPatchApproval
from ._questions import Elicitation, UserInputRequest
from ._tools import ToolCall
from ._unknown import UnknownRequest

__all__ = [
    "AsyncOnRequest",
    "Attestation",
    "CommandApproval",
    "CurrentTime",
    "Elicitation",
    "FileChangeApproval",
    "LegacyCommandApproval",
    "LegacyPatchApproval",
    "OnRequest",
    "PermissionsApproval",
    "ServerRequest",
    "Settlement",
    "TokenRefresh",
    "ToolCall",
    "UnknownRequest",
    "UserInputRequest",
    "dangerously_accept_all",
]
