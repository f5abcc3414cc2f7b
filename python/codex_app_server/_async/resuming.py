"""`AsyncResuming`: one resume of a thread, after those of the same thread that have begun before it.

Owns the wait for them. Which lock is that of a thread is for `_concurrency.resumes` to say. Called by
`opening`.
"""

from __future__ import annotations

import math

# sync only: from contextlib import suppress
from .._concurrency.deadline import Deadline
from .._concurrency.resumes import Resumes
from ..errors import CodexError, RequestTimeoutError
from .waiting import Lock, entering, now

# sync only: from .waiting import bounded


class AsyncResuming:
    """A place among the resumes of one thread.

    Args:
        resumes: Those of the runtime.
        thread_id: The thread.
        deadline: That of the call.
        limit_s: Without one, for how many seconds it waits while nobody is served.
    """

    def __init__(
        self, resumes: Resumes[Lock], thread_id: str, deadline: Deadline, limit_s: float | None
    ) -> None:
        self._line = resumes.line_of(thread_id)
        self._lock = entering(self._line.lock)
        self._deadline = deadline
        self._limit_s = math.inf if limit_s is None or deadline.is_of_call else limit_s
        self._came = now()
        self._is_held = False  # async only

    async def begin(self) -> None:
        """Wait until those before it are over.

        Raises:
            RequestTimeoutError: They are not by the deadline, or none of them was answered for as long as a
                request may take. Nothing was sent.
        """
        while True:
            left = min(self._deadline.left(), self._patience())
            # sync only: is_held = self._lock.acquire(timeout=bounded(left))
            is_held = self._lock.take() or await self._lock.wait(left)  # async only
            self._is_held = is_held  # async only
            if is_held:
                return
            if self._deadline.left() <= 0:
                raise self._deadline.missed("thread/resume", was_sent=False)
            if self._patience() <= 0:
                raise RequestTimeoutError("thread/resume", self._limit_s, was_sent=False)

    def _patience(self) -> float:
        return max(self._came, self._line.served) + self._limit_s - now()

    def end(self, error: BaseException | None = None) -> None:
        """Let the next one begin. Idempotent. `error` is why this one has not got the thread, if so."""
        if error is None or (isinstance(error, CodexError) and not isinstance(error, TimeoutError)):
            self._line.served = now()
        if self._is_held:  # async only
            self._is_held = False  # async only
            self._lock.release()  # async only
        # In one step: between a question and the release a signal's handler might come.
        # sync only: with suppress(RuntimeError):  # over already, or not begun
        # sync only:     self._lock.release()
