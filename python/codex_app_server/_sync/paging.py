# Made from _async/paging.py by `python scripts/make_sync.py`; do not edit.

"""All there is, page by page: stored threads, a thread's turns, its items.

Owns how pages follow each other, and that no thread is lost between them. Each page is asked for when it is
needed. Called by the client and its threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from .._outgoing import requests
from .._outgoing.requests import Request
from .._package import late
from .runtime import Runtime

ItemT = TypeVar("ItemT")

# What the files can be searched for, and what only the index can tell.
_OF_FILES = ("archived", "cwd_filter", "model_providers", "source_kinds")
_OF_INDEX = ("search_term", "section_id")
# The runtime gives no more at once.
_LARGEST_PAGE = 100


def pages(
    runtime: Runtime, request: Callable[[str | None], Request[Any]], timeout_s: float | None
) -> Iterator[Any]:
    """What is in each page of an answer with `data` and `next_cursor`, one after the other.

    Args:
        runtime: Whom to ask.
        request: Makes the request for the page at a cursor.
        timeout_s: Seconds for each page.
    """
    cursor = None
    while True:
        page = runtime.request(request(cursor), timeout_s)
        yield from page.data
        # The same one again would never end.
        if not page.next_cursor or page.next_cursor == cursor:
            return
        cursor = page.next_cursor


def named(listing: Iterator[ItemT], name: str) -> Iterator[ItemT]:
    """A generator whose `repr` says what it lists."""
    listing.__qualname__ = name  # type: ignore[attr-defined]
    return listing


def stored_threads(
    runtime: Runtime, given: dict[str, Any], page_size: int, timeout_s: float | None
) -> Iterator[late.StoredThread]:
    """Every stored thread, once.

    A cursor of the search through the files is a time, in seconds for `created_at`, and the next page begins
    after that second. So the index is asked, whose cursors have the thread's id as well, and then the files
    for what the index lacks.

    Args:
        runtime: Whom to ask.
        given: The options of thread/list but its cursor and limit.
        page_size: How many threads a page has.
        timeout_s: Seconds for each page.
    """
    seen: set[str] = set()

    def listed(**options: Any) -> Iterator[late.StoredThread]:
        return pages(
            runtime,
            lambda cursor: requests.thread_list(**{"limit": page_size, **options, "cursor": cursor}),
            timeout_s,
        )

    indexed = {**given, "use_state_db_only": True}
    for thread in listed(**indexed):
        if thread.id not in seen:
            seen.add(thread.id)
            yield thread
    # By any other key a thread may move past the cursor while this goes on, and two may have one time.
    steady = {**indexed, "sort_key": "created_at"}
    if requests.is_moving(given.get("sort_key")):
        for thread in listed(**steady):
            if thread.id not in seen:
                seen.add(thread.id)
                yield thread
    if given.get("use_state_db_only"):
        return
    # By the time of their last change, which is told in milliseconds.
    known = {name: given[name] for name in _OF_FILES if given.get(name) is not None}
    says_all = all(given.get(name) is None for name in _OF_INDEX)
    is_lacking = False
    for thread in listed(**known, sort_key="updated_at", limit=_LARGEST_PAGE):
        if thread.id not in seen:
            is_lacking = True
            if says_all:
                seen.add(thread.id)
                yield thread
    # What was found is in the index now, with its neighbours, and that can be searched.
    if is_lacking:
        for thread in listed(**steady):
            if thread.id not in seen:
                seen.add(thread.id)
                yield thread
