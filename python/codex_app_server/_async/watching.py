"""Handles of what the runtime watches and searches in the file system. The requests are in `_openings`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _openings
from .._decode import decoder
from .handle import AsyncStreamHandle, opened

if TYPE_CHECKING:
    from .._deadline import Deadline
    from .._openings import Opening
    from ..generated.v2_all import (
        FsChangedNotification,
        FsWatchResponse,
        FuzzyFileSearchSessionUpdatedNotification,
    )
    from ..models import Notification
    from .connection import AsyncConnection


class AsyncFsWatch(AsyncStreamHandle["FsChangedNotification"]):
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

    @classmethod
    async def _begin(
        cls, connection: AsyncConnection, opening: Opening[FsWatchResponse], deadline: Deadline
    ) -> AsyncFsWatch:
        subscription, answer = await opened(connection, opening, deadline)
        watch = cls(connection, opening, subscription, decoder())
        # A newer runtime may answer in another way: then this is what it said.
        path: Any = getattr(answer, "path", answer)
        watch.path = getattr(path, "root", path)
        return watch

    def _made(self, event: Notification) -> FsChangedNotification | None:
        payload: Any = event.payload
        return payload if event.method == "fs/changed" else None


class AsyncFuzzyFileSearch(AsyncStreamHandle["FuzzyFileSearchSessionUpdatedNotification"]):
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
        cls, connection: AsyncConnection, opening: Opening[None], deadline: Deadline
    ) -> AsyncFuzzyFileSearch:
        subscription, _ = await opened(connection, opening, deadline)
        return cls(connection, opening, subscription, decoder())

    async def update(self, query: str, *, timeout_s: float | None = None) -> None:
        """Search for something else.

        Raises:
            InvalidInputTypeError: `query` is not a str. Nothing was sent.
        """
        await self._request(_openings.fuzzy_file_search_update(self._opening.name, query), timeout_s)

    def _made(self, event: Notification) -> FuzzyFileSearchSessionUpdatedNotification | None:
        payload: Any = event.payload
        return payload if event.method == "fuzzyFileSearch/sessionUpdated" else None
