"""A thread that is not as it was asked to be: what can be set is set, and the rest is raised.

Owns the requests that this takes, between the answer to a start, resume or fork and the thread's handover.
What counts as the same is in `_outgoing.thread_settings`. Called by `opening`.
"""

from __future__ import annotations

import contextlib
import logging
from typing import Any

from .._concurrency.deadline import Deadline
from .._incoming.decoding import Opened
from .._outgoing import requests, thread_settings
from .._outgoing.requests import Request
from .._outgoing.thread_settings import Place, Settings
from ..errors import JsonRpcError, SettingsNotAppliedError
from .connection import AsyncConnection

logger = logging.getLogger("codex_app_server")


async def is_loaded(
    connection: AsyncConnection, request: Request[Opened], thread_id: str, deadline: Deadline
) -> bool:
    """Whether a thread that is to be resumed is loaded, and keeps its settings.

    It is not asked for a resume that says nothing of them.
    """
    if not request.settings and not request.untold and not request.for_loading:
        return False
    try:
        read = await connection.request(requests.thread_status(thread_id), deadline=deadline)
    except JsonRpcError:  # the resume itself says what is wrong
        return False
    return read != "notLoaded"


async def settle(
    connection: AsyncConnection,
    request: Request[Opened],
    opened: Opened,
    place: Place,
    deadline: Deadline,
    *,
    was_loaded: bool,
) -> Opened:
    """What the thread is now that it has what the request has asked for.

    Raises:
        SettingsNotAppliedError: It has not, and cannot get it. One that was not loaded is let go of.
    """
    wanted = request.settings
    if was_loaded:
        if request.for_loading and not request.rights_for_loading:
            logger.warning(
                "Thread %s is loaded already, and takes no %s any more",
                opened.id,
                ", ".join(request.for_loading),
            )
        wanted = await _whole_sandbox(connection, wanted, opened, place, deadline)
    differing = thread_settings.unmet(wanted, opened.settings, place)
    if was_loaded:
        # What no answer tells is set, because it may not be so.
        for untold in (request.untold, request.rights_for_loading):
            differing |= {name: (value, None) for name, value in untold.items()}
    if "service_tier" in differing and not (
        was_loaded and await _has_tier(connection, wanted, opened, deadline)
    ):
        # The model has no such tier, so the runtime would send one that the service does not know.
        raise await _refused(connection, request, opened, differing, was_loaded, deadline, lacks_tier=True)
    if not differing:
        return opened
    fields, cause = thread_settings.update(differing), None
    # What is set could not be asked for again, so nobody would know that it holds.
    if fields is not None and request.is_stored:
        try:
            change = requests.settings_update(opened.id, fields)
            await connection.request(change, deadline=deadline)
            opened = await connection.request(requests.settings_of(opened.id), deadline=deadline)
        except JsonRpcError as error:
            cause = error
        else:
            differing = thread_settings.unmet(wanted, opened.settings, place)
            if not differing:
                return opened
    refusal = await _refused(connection, request, opened, differing, was_loaded, deadline, cause)
    raise refusal from cause


async def _has_tier(
    connection: AsyncConnection, wanted: Settings, opened: Opened, deadline: Deadline
) -> bool:
    models: dict[str, Any] = {"nextCursor": True}
    # Without it nobody knows.
    with contextlib.suppress(JsonRpcError):
        models = await connection.request(requests.service_tiers(), deadline=deadline)
    model = wanted.get("model", opened.settings.get("model"))
    return thread_settings.has_tier(wanted["service_tier"], model, models)


async def _whole_sandbox(
    connection: AsyncConnection, wanted: Settings, opened: Opened, place: Place, deadline: Deadline
) -> Settings:
    strict = thread_settings.whole_sandbox(wanted, {})
    if not thread_settings.unmet(strict, opened.settings, place).keys() & {"sandbox"}:
        return wanted
    config: dict[str, Any] = {}
    # Without it nothing but the mode itself is allowed, which is not more than was asked.
    with contextlib.suppress(JsonRpcError, AttributeError):
        answer = await connection.request(requests.config_read(wanted.get("cwd")), deadline=deadline)
        config = answer.get("config") or {}
    return thread_settings.whole_sandbox(wanted, config)


async def _refused(
    connection: AsyncConnection,
    request: Request[Opened],
    opened: Opened,
    differing: dict[str, tuple[Any, Any]],
    was_loaded: bool,
    deadline: Deadline,
    cause: JsonRpcError | None = None,
    *,
    lacks_tier: bool = False,
) -> SettingsNotAppliedError:
    # A thread that was started or forked is let go of when its request is given up.
    if request.method == "thread/resume" and not was_loaded:
        with contextlib.suppress(JsonRpcError):
            await connection.request(requests.thread_unsubscribe(opened.id), deadline=deadline)
    told = "; ".join(
        thread_settings.no_tier(asked)
        if lacks_tier and name == "service_tier"
        else thread_settings.difference(name, asked, answered)
        for name, (asked, answered) in sorted(differing.items())
    )
    if cause is not None:
        told = f"{told}. Setting it was refused: {cause}"
    advice = (
        "It is loaded already and keeps what it has: leave that out to go on with it as it is, or give it to "
        "thread_fork(), which makes another thread."
        if was_loaded and not lacks_tier
        else "Leave that out, or ask for what the runtime and its configuration allow."
    )
    return SettingsNotAppliedError(
        f"Thread {opened.id} is not as it was asked to be: {told}. {advice}",
        thread_id=opened.id,
        settings=differing,
    )
