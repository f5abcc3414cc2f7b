"""Handles of what the runtime watches and searches in the file system. Requests: `stream_requests`."""

from __future__ import annotations

from typing import Any

from .. import types
from .._concurrency.deadline import Deadline
from .._incoming.decoding import decoder, payload_as
from .._outgoing import stream_requests
from .._outgoing.stream_requests import StreamRequest
from ..models import Notification
from .connection import AsyncConnection
from .stream_handle import AsyncStreamHandle, opened


class AsyncFsWatch(AsyncStreamHandle["types.FsChangedNotification"]):
    """A file or directory that is watched for changes.

    Async form of `FsWatch`. Made by `AsyncCodex.fs_watch()`. Iterated, it gives a `FsChangedNotification` for
    each change, until it is closed.

    Example:
        >>> async def main():
        ...     async with AsyncCodex() as codex:
        ...         async with await codex.fs_watch("notes.txt") as watch:
        ...             async for change in watch:
        ...                 print([path.root for path in change.changed_paths])
    """

    path: str
    """What is watched, as the runtime names it."""

    def _standing(self) -> str:
        return f"path={self.path!r} {self._feed.standing('watching', is_closed=self._closed)}"

    @classmethod
    async def _begin(
        cls,
        connection: AsyncConnection,
        stream_request: StreamRequest[types.FsWatchResponse],
        deadline: Deadline,
    ) -> AsyncFsWatch:
        subscription, answer = await opened(connection, stream_request, deadline)
        watch = cls(connection, stream_request, subscription, decoder())
        # A newer runtime may answer in another way: then this is what it said.
        path: Any = getattr(answer, "path", answer)
        watch.path = getattr(path, "root", path)
        return watch

    def _made(self, event: Notification) -> types.FsChangedNotification | None:
        if event.method != "fs/changed":
            return None
        return payload_as(types.FsChangedNotification, event)


class AsyncFuzzyFileSearch(AsyncStreamHandle["types.FuzzyFileSearchSessionUpdatedNotification"]):
    """A search for files by parts of their names, which goes on while the query changes.

    Async form of `FuzzyFileSearch`. Made by `AsyncCodex.fuzzy_file_search()`. Iterated, it gives a
    `FuzzyFileSearchSessionUpdatedNotification` whenever there is something new: the query that it is about,
    and all files that were found for it so far, the best first. It begins with the empty query, which
    finds nothing.

    Example:
        >>> async def main():
        ...     async with AsyncCodex() as codex:
        ...         async with await codex.fuzzy_file_search(["."]) as search:
        ...             await search.update("readme")
        ...             async for update in search:
        ...                 if update.query == "readme" and update.files:
        ...                     print(update.files[0].path)
        ...                     break
    """

    @classmethod
    async def _begin(
        cls, connection: AsyncConnection, stream_request: StreamRequest[None], deadline: Deadline
    ) -> AsyncFuzzyFileSearch:
        subscription, _ = await opened(connection, stream_request, deadline)
        return cls(connection, stream_request, subscription, decoder())

    async def update(self, query: str, *, timeout_s: float | None = None) -> None:
        """Search for something else.

        Raises:
            InvalidInputTypeError: `query` is not a str. Nothing was sent.
        """
        await self._request(
            stream_requests.fuzzy_file_search_update(self._stream_request.name, query), timeout_s
        )

    def _made(self, event: Notification) -> types.FuzzyFileSearchSessionUpdatedNotification | None:
        return (
            payload_as(types.FuzzyFileSearchSessionUpdatedNotification, event)
            if event.method == "fuzzyFileSearch/sessionUpdated"
            else None
        )
