"""How a turn ends without the result that was wanted, and what goes wrong with what it asks."""

from __future__ import annotations

from typing import Any

from .. import types
from .._package import late
from .base import CodexError


class _OfTurn(CodexError):
    """What the errors share that end the wait for a turn.

    Attributes:
        thread_id: The thread.
        turn_id: The turn; "" if it was not known yet.
        errors: The turn's `error` events so far, the last ones if there were many: what the runtime tried
            again, and what it gave up for.
        request_errors: What handlers have done wrong with requests of the turn.
    """

    def __init__(
        self, message: str, *, thread_id: str, turn_id: str, errors: tuple[types.ErrorNotification, ...] = ()
    ) -> None:
        super().__init__(message)
        self.thread_id = thread_id
        self.turn_id = turn_id
        self.errors = errors
        self.request_errors: tuple[RequestHandlerError, ...] = ()

    @property
    def last_error(self) -> types.ErrorNotification | None:
        """The last of `errors`; None if there was none."""
        return self.errors[-1] if self.errors else None


class TurnFailedError(_OfTurn, RuntimeError):
    """A turn ended with status "failed". The message is the runtime's, and what it had tried again before.

    Attributes:
        thread_id: The thread.
        turn_id: The turn.
        error: The turn's error as the runtime sent it, or None.
        codex_error_info: The kind of failure (quota, context window, connection …), or None.
        errors: The turn's `error` events, the last ones if there were many. Collected by `run()` and by
            `stream_text()`; a `stream()` has them among its events.
    """

    def __init__(
        self,
        message: str,
        *,
        thread_id: str,
        turn_id: str,
        error: types.TurnError | None = None,
        errors: tuple[types.ErrorNotification, ...] = (),
    ) -> None:
        super().__init__(message, thread_id=thread_id, turn_id=turn_id, errors=errors)
        self.error = error

    @property
    def codex_error_info(self) -> types.CodexErrorInfo | None:
        # The error of a newer runtime may be of another type.
        return getattr(self.error, "codex_error_info", None)

    def __str__(self) -> str:
        message = str(self.args[0])
        tried = [each for each in self.errors if getattr(each, "will_retry", False) is True]
        if not tried:
            return message
        last = text_of_error(tried[-1]).removesuffix(f": {message}")
        often = "once" if len(tried) == 1 else f"{len(tried)} times"
        return f"{message} (tried again {often}; the last: {last})"


class TurnTimeoutError(_OfTurn, TimeoutError):
    """A turn took longer than `timeout_s`, or nothing of it arrived for `idle_timeout_s`.

    `run()`, and a stream inside a turn's block, have given the turn up: it is interrupted unless somebody
    else holds it, which the message says. Any other stream can be read on.

    Attributes:
        thread_id: The thread.
        turn_id: The turn; "" if its start was not answered yet.
        timeout_s: The time that is over, in seconds.
        is_idle: Whether it is that of `idle_timeout_s`.
        partial: What `run()` had collected: a result whose status is "inProgress". None from a stream, and
            if the start was not answered yet.
        errors: The turn's `error` events so far, the last ones if there were many.
        last_error: The last of these, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        thread_id: str,
        turn_id: str,
        timeout_s: float,
        is_idle: bool = False,
        partial: late.TurnResult | None = None,
        errors: tuple[types.ErrorNotification, ...] = (),
    ) -> None:
        super().__init__(message, thread_id=thread_id, turn_id=turn_id, errors=errors)
        self.timeout_s = timeout_s
        self.is_idle = is_idle
        self.partial = partial


def text_of_error(event: Any) -> str:
    """What an `error` event says, in one line."""
    error = getattr(event, "error", event)
    details = getattr(error, "additional_details", None)
    text = str(getattr(error, "message", error))
    return f"{text}: {details}" if isinstance(details, str) and details else text


class OutputValidationError(CodexError, ValueError):
    """A turn has ended, and its final response is not of the type that was asked for (`output_type=`).

    Attributes:
        text: The final response as it came; None if there is none, as after an interrupt.
        errors: What is wrong with it, as Pydantic's `errors()` has it: `type`, `loc`, `msg` and `input`.
        result: The whole turn. Its `output` is None.
    """

    def __init__(
        self, message: str, *, text: str | None, errors: tuple[Any, ...], result: late.TurnResult[Any]
    ) -> None:
        super().__init__(message)
        self.text = text
        self.errors = errors
        self.result = result


class NoRequestHandlerError(CodexError):
    """A turn was to start on a thread with `ApprovalMode.ask`, and nobody would answer what it asks.

    Nothing was sent.

    Attributes:
        thread_id: The thread.
    """

    def __init__(self, message: str, *, thread_id: str) -> None:
        super().__init__(message)
        self.thread_id = thread_id


class RequestSettledError(CodexError):
    """A request of the runtime was to be answered that waits for no answer any more.

    Attributes:
        method: The request's method.
        settlement: What came first: "answered" or "refused" by this program, "resolved" by the runtime or
            another client, "turn_over", "thread_closed", or "closed" with the connection.
    """

    def __init__(self, message: str, *, method: str, settlement: str) -> None:
        super().__init__(message)
        self.method = method
        self.settlement = settlement


class RequestAnsweredError(RequestSettledError):
    """A request of the runtime was to be answered a second time. The first answer stands."""


class RequestNotFoundError(CodexError, LookupError):
    """No request that waits for an answer has this token: it is settled, or of another connection."""


class RequestHandlerError(CodexError):
    """A handler of the runtime's requests failed, so the request was refused, unless it was answered before.

    It raised (that is the `__cause__`), took too long, gave something back, or gave no answer.

    Attributes:
        method: The request's method.
        thread_id: The thread that asked; None for a request that is no thread's.
        turn_id: The turn that asked, likewise.
        item_id: The item that it was about, likewise.
        root_turn_id: For a sub-agent's turn, the one at the root of it, where that is known.
        ancestors: The threads that a sub-agent's thread descends from.
    """

    def __init__(
        self,
        message: str,
        *,
        method: str,
        thread_id: str | None,
        turn_id: str | None,
        item_id: str | None,
        root_turn_id: str | None = None,
        ancestors: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.method = method
        self.thread_id = thread_id
        self.turn_id = turn_id
        self.item_id = item_id
        self.root_turn_id = root_turn_id
        self.ancestors = ancestors

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """What Pydantic makes of it in a `TurnResult`: an object of the message and the attributes."""
        from pydantic_core import core_schema as schema

        text = schema.str_schema()
        kinds: dict[str, Any] = {"message": text, "method": text}
        for name in ("thread_id", "turn_id", "item_id", "root_turn_id"):
            kinds[name] = schema.nullable_schema(text)
        kinds["ancestors"] = schema.tuple_variable_schema(text)
        fields = schema.typed_dict_schema(
            {name: schema.typed_dict_field(kind) for name, kind in kinds.items()}
        )

        def read(given: dict[str, Any]) -> RequestHandlerError:
            return cls(given.pop("message"), **given)

        def written(error: RequestHandlerError) -> dict[str, Any]:
            return {"message": str(error), **{name: getattr(error, name) for name in [*kinds][1:]}}

        made = schema.no_info_after_validator_function(read, fields)
        return schema.json_or_python_schema(
            json_schema=made,
            python_schema=schema.union_schema([schema.is_instance_schema(cls), made]),
            serialization=schema.plain_serializer_function_ser_schema(written, return_schema=fields),
        )
