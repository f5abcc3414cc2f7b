"""Why the runtime could not be started."""

from __future__ import annotations

import errno as _errno
from typing import Any

from .base import CodexError
from .transport import TransportClosedError


class _WithFilename(CodexError, OSError):
    """What the errors share that are also OSErrors: `errno`, `filename`, and a message as text."""

    _errno = 0

    def __init__(self, message: str, filename: str | None = None) -> None:
        super().__init__(message)
        self.errno = self._errno
        self.strerror = message
        self.filename = filename

    def __str__(self) -> str:
        return str(self.args[0])

    def _state(self) -> dict[str, Any]:
        # These three live in the C struct of OSError, not in __dict__.
        fields = {"errno": self.errno, "strerror": self.strerror, "filename": self.filename}
        return {**super()._state(), **fields}


class LaunchError(CodexError):
    """The runtime could not be started."""


class BinaryNotFoundError(_WithFilename, LaunchError, FileNotFoundError):
    """There is no runtime at the configured path, or the packaged one is not installed.

    Attributes:
        filename: The path that was tried.
    """

    _errno = _errno.ENOENT


class BinaryNotExecutableError(_WithFilename, LaunchError, PermissionError):
    """The configured runtime is a directory, lacks the execute bit or is not a program.

    Attributes:
        filename: The path that was tried.
    """

    _errno = _errno.EACCES


class WorkingDirectoryError(_WithFilename, LaunchError, NotADirectoryError, FileNotFoundError):
    """`CodexConfig.cwd` is not an existing directory.

    Attributes:
        filename: The path that was tried.
    """

    _errno = _errno.ENOENT


class DescriptorLimitError(_WithFilename, LaunchError):
    """The process has no file descriptors left for another runtime.

    Attributes:
        limit: The soft limit (`ulimit -n`) that was hit, when the system tells it.
    """

    _errno = _errno.EMFILE

    def __init__(self, message: str, *, limit: int | None = None) -> None:
        super().__init__(message)
        self.limit = limit


class StartupError(LaunchError, TransportClosedError):
    """The program ran, but did not become a ready runtime.

    It exited at once, it is not Codex, or it did not answer `initialize` in time. The attributes are
    those of `TransportClosedError`.
    """
