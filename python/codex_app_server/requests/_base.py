"""What all requests of the runtime have in common: who asks, and that each is answered once.

Owns the step from an answer to its bytes: it is checked by the generated model before anything is written,
so a wrong one costs nothing and can be given again. The native side owns which answer is the first. Used
by the classes of this package; `_serving` makes them.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, ClassVar, Literal, TypeAlias

from .. import _native
from .._incoming.bound import INHERITED, Bound
from .._outgoing.wire_form import plain
from .._package.late import pydantic
from ..errors import ForkedProcessError, InvalidInputError, RequestAnsweredError, RequestSettledError

# Who was answered what, for the records: at INFO without a word of what was asked or answered.
audit = logging.getLogger("codex_app_server.requests")

# The call of a handler that this code runs in, if it does: `asyncio` carries it along, to threads as well.
handling: ContextVar[object] = ContextVar("handling")

Settlement: TypeAlias = Literal["answered", "refused", "resolved", "turn_over", "thread_closed", "closed"]

_SETTLED = {
    "answered": "It was answered before; the first answer stands.",
    "refused": "It was refused before; that stands.",
    "resolved": "The runtime waits for no answer any more: it has settled it, or another client did.",
    "turn_over": "Its turn is over.",
    "thread_closed": "Its thread is closed.",
    "closed": "The connection has ended.",
}


class ServerRequest(Bound):
    """A question of the runtime that waits for the program's answer. Not made by programs.

    Each class has the methods that its answers are. They may be called from any thread or task, once, and
    wait for nothing. What they raise: `InvalidInputError` and `InvalidInputTypeError` for an answer that the
    protocol cannot take (nothing was sent, and the request is still open), `RequestAnsweredError` for a
    second answer, `RequestSettledError` where the runtime waits for none any more.

    Attributes:
        kind: The class in one word, for example "command_approval".
        method: The method on the wire.
        params: The params as the generated model has them.
        thread_id: The thread that asks; None where the request names none.
        turn_id: The turn that asks, likewise. A sub-agent has a thread and turns of its own.
        item_id: The item that it is about, likewise.
        ancestors: The threads that a sub-agent's thread descends from, the nearest first.
        token: Names this request in this process' life of this connection, and nowhere else. It cannot be
            guessed: a page that shows it to one user has shown it to nobody else.
    """

    kind: ClassVar[str] = "unknown"

    def __init__(self, native: _native.ServerRequest, params: Any) -> None:
        self._native = native
        self._deferred = False
        # Refused because its handler took too long.
        self._overdue = False
        self._asked_at = time.monotonic()
        # The call of a handler that has answered it.
        self._answered_in: object = None
        # Tells whoever keeps the open requests that this one is none any more.
        self._let_go: Callable[[], object] = _nothing
        # Who is asked, for the records.
        self._server = "nobody"
        self.method = native.method
        self.params: Any = params
        self.thread_id: str | None = native.thread_id
        self.turn_id: str | None = native.turn_id
        self.token = os.urandom(16).hex()

    @property
    def item_id(self) -> str | None:
        """The item that it is about; None where the request names none."""
        return getattr(self.params, "item_id", None)

    @property
    def ancestors(self) -> tuple[str, ...]:
        """The threads that a sub-agent's thread descends from, the nearest first; empty for any other."""
        return self._native.ancestors

    @property
    def settled(self) -> bool:
        """Whether the runtime waits for no answer any more, as far as this side has seen."""
        return self._native.settlement is not None

    @property
    def settlement(self) -> Settlement | None:
        """What has settled it, whichever came first; None while it is open.

        "answered" or "refused" by this program, "resolved" by the runtime or another client, "turn_over",
        "thread_closed", or "closed" with the connection.
        """
        return self._native.settlement

    def wait_settled(self, timeout_s: float | None = None) -> bool:
        """Block this thread until it is settled, in whatever way; False if `timeout_s` seconds pass first.

        For handlers that are functions, and for threads that show the request to a person. A coroutine
        awaits `async_wait_settled()`.
        """
        return self._native.wait(timeout_s)

    async def async_wait_settled(self, timeout_s: float | None = None) -> bool:
        """The same for a task: its loop goes on meanwhile."""
        from .._async.waiting import wait_ready

        return await wait_ready(self._native, timeout_s)

    @property
    def deferred(self) -> bool:
        """Whether `defer()` was called."""
        return self._deferred

    def defer(self) -> None:
        """Keep it open when the handler returns: the answer comes later, from elsewhere.

        `pending_request(token)` of the client gives it again. It stays open until it is settled.
        """
        self._deferred = True

    def refuse(self) -> None:
        """Say no in the request's own shape: an approval is declined, a question gets no answer.

        What has no such shape is answered with a JSON-RPC error. It is what happens without a handler.
        """
        self._give(self._native.refuse, "refuse", None)

    def to_dict(self) -> dict[str, Any]:
        """What a page needs of it, as JSON has it. `params` are by the wire's names.

        With its `token`, by which whoever has it can answer: nothing for a log.
        """
        return {
            "token": self.token,
            "kind": self.kind,
            "method": self.method,
            "thread_id": self.thread_id,
            "turn_id": self.turn_id,
            "item_id": self.item_id,
            "params": json.loads(self._native.params),
        }

    _in_place_of_a_copy = "It is answered here; to_dict() has what a page or another process needs of it."

    def _standing(self) -> str:
        # No token, which is a secret, and nothing of what is asked, which may be one.
        ids = f"item_id={self.item_id!r} thread_id={self.thread_id!r}"
        try:
            return f"{ids} {self.settlement or 'open'}"
        except ForkedProcessError:
            return f"{ids} {INHERITED}"

    # --- for the classes of this package

    def _respond(self, model: type[pydantic.BaseModel], result: dict[str, Any], decision: str) -> None:
        """Answer with what the model makes of `result`, by the wire's names."""
        # As JSON, where strictness means the types of JSON; and before the model's dump, which would write
        # null for a number that JSON has not.
        from pydantic import ValidationError

        body = self._json(result)
        try:
            checked = model.model_validate_json(body, strict=True)
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(map(str, each['loc']))}: {each['msg']}"
                for each in error.errors(include_url=False, include_context=False, include_input=False)
            )
            raise InvalidInputError(f"This is no answer to {self.method}. {wrong}.") from None
        self._write(plain(checked), decision)

    def _write(self, value: Any, decision: str) -> None:
        """Answer with a value that nobody checks."""
        body = self._json(value)
        self._give(lambda: self._native.answer(body), decision, body)

    def _json(self, value: Any) -> bytes:
        try:
            return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidInputError(f"The answer to {self.method} is not JSON: {error}.") from None

    def _fail(self, code: int, message: str) -> None:
        self._give(lambda: self._native.fail(code, message), "fail", None)

    def _give(self, give: Callable[[], bool], decision: str, body: bytes | None) -> None:
        if not give():
            raise self._too_late()
        self._answered_in = handling.get(None)
        self._let_go()
        seconds = time.monotonic() - self._asked_at
        audit.info(
            "%s: %s by %s after %.3f s (thread %s, turn %s, item %s)",
            *(self.kind, decision, self._server, seconds, self.thread_id, self.turn_id, self.item_id),
        )
        if audit.isEnabledFor(logging.DEBUG):
            audit.debug("%s: asked %s, answered %s", self.kind, self._native.params, body)

    def _too_late(self) -> RequestSettledError:
        settlement = self._native.settlement or "closed"
        kind = RequestAnsweredError if settlement in ("answered", "refused") else RequestSettledError
        message = f"{type(self).__name__} cannot be answered. {_SETTLED[settlement]}"
        return kind(message, method=self.method, settlement=settlement)


# What `on_request=` takes: of `Codex`, and of `AsyncCodex`.
OnRequest: TypeAlias = Callable[[ServerRequest], None]
AsyncOnRequest: TypeAlias = Callable[[ServerRequest], Awaitable[None] | None]


def _nothing() -> None:
    pass


def text(value: Any) -> Any:
    """A text that the protocol wraps, plain."""
    value = getattr(value, "root", value)
    return getattr(value, "value", value)
