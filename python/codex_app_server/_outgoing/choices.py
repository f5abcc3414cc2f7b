"""What a program gives for an enum of the protocol: a member, or its text.

Owns the check that a text is one which the schema lists: nearly every other one is a mistake. A value of a
newer runtime passes as a member, which nobody writes by mistake. No model is imported for a text. Used by
`params`, `goals` and `approval_mode`.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, get_args

from .._arguments import text, wrong
from ..errors import InvalidInputError
from .wire_form import is_model, is_of_kind, model


def choice_of(kind: str, *, is_open: bool = False) -> Callable[[str, Any], Any]:
    """What turns an argument into the wire's form of `kind`, an enum or a union that has texts.

    Args:
        kind: Its class.
        is_open: Whether any text is one of the program's own, which the runtime only stores.
    """
    article = "an" if kind[0] in "AEIO" else "a"

    def convert(name: str, value: Any) -> Any:
        given = value
        if not isinstance(value, str) or isinstance(value, Enum):
            value = _written(name, value)
            if is_of_kind(kind, given):
                return value
            if not isinstance(value, str):
                raise wrong(name, f"{article} {kind} or its text", given)
        if is_open:
            return str(text(name, value))
        from ..generated import literals

        known = get_args(getattr(literals, f"{kind}Literal"))
        if value in known:
            # Not a subclass of str that is written in a way of its own.
            return str(value)
        texts = ", ".join(map(repr, known))
        raise InvalidInputError(f"{name} must be one of {texts}, not {value!r}. {_way_out(kind, value)}")

    return convert


def _written(name: str, value: Any) -> Any:
    """The wire's form of an enum's member or a model; None of anything else."""
    if isinstance(value, Enum):
        return value.value
    return model(name, value) if is_model(value) else None


def _way_out(kind: str, value: str) -> str:
    from ..generated import v2_all
    from ..generated._base import OpenEnum

    made = getattr(v2_all, kind)
    if issubclass(made, Enum) and not issubclass(made, OpenEnum):
        return "What only a newer runtime knows can be sent with request()."
    # Checkers know what a union is made of, so its class takes another text from outside only.
    call = kind if issubclass(made, Enum) else f"{kind}.model_validate"
    return f"What only a newer runtime knows is given as {call}({value!r})."
