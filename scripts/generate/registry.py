"""Writes ``notification_registry.py``: the table of notifications under the official package's names.

Owns the text of that module. The table and the union are those of ``notifications.py``, for programs that
come from the other package; what is written out again are the names, which checkers read nowhere else. Its
models are imported when asked for.
"""

from __future__ import annotations

from .protocol import Protocol
from .python import HEADER, exports, formatted

_REGISTRY = '''
"""Which model belongs to which notification, and to which turn, by the official package's names.

``NOTIFICATION_MODELS`` has the model of each method. The models are imported when one of these names is
first asked for, all that it needs at once; ``notifications.payload_model`` imports a single one.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, TypeAlias

from ._lookup import model
from .notifications import PAYLOADS

if TYPE_CHECKING:
    from pydantic import BaseModel

    from .notifications import KnownPayload
    from .v2_all import (
        {imports}
    )

    KnownNotificationPayload: TypeAlias = KnownPayload

    NOTIFICATION_MODELS: dict[str, type[KnownNotificationPayload]]
    DIRECT_TURN_ID_NOTIFICATION_TYPES: tuple[type[BaseModel], ...]
    NESTED_TURN_NOTIFICATION_TYPES: tuple[type[BaseModel], ...]

{exports}

# Payloads that say their turn's id, and those that have the turn itself.
_DIRECT = ({direct})
_NESTED = ({nested})


def notification_turn_id(payload: object) -> str | None:
    """The id of the turn that a payload is about; None where that is no turn, or not known."""
    # By name first: to compare with the classes of all notifications would import all of them.
    for kind in type(payload).__mro__:
        name = kind.__name__
        if name in _DIRECT and model(name) is kind:
            return _text(getattr(payload, "turn_id", None))
        if name in _NESTED and model(name) is kind:
            return _text(getattr(getattr(payload, "turn", None), "id", None))
    return None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _found(name: str) -> Any:
    match name:
        case "NOTIFICATION_MODELS":
            return {{method: model(payload) for method, payload in PAYLOADS.items()}}
        case "DIRECT_TURN_ID_NOTIFICATION_TYPES":
            return tuple(map(model, _DIRECT))
        case "NESTED_TURN_NOTIFICATION_TYPES":
            return tuple(map(model, _NESTED))
        case "KnownNotificationPayload":
            return reduce(or_, map(model, sorted({{*PAYLOADS.values()}})))
    if name in __all__:
        return model(name)
    raise AttributeError(f"module {{__name__!r}} has no attribute {{name!r}}")


if not TYPE_CHECKING:  # a checker that saw these would take any name for one of this module

    def __getattr__(name: str) -> Any:
        found = globals()[name] = _found(name)
        return found

    def __dir__() -> list[str]:
        return sorted({{*globals(), *__all__}})
'''

_NAMES = (
    "DIRECT_TURN_ID_NOTIFICATION_TYPES",
    "KnownNotificationPayload",
    "NESTED_TURN_NOTIFICATION_TYPES",
    "NOTIFICATION_MODELS",
    "notification_turn_id",
)


def module(path: str, protocol: Protocol) -> str:
    """Returns the source of ``notification_registry.py``."""
    payloads = sorted({n.payload for n in protocol.notifications})
    direct = sorted({n.payload for n in protocol.notifications if len(n.turn) == 1})
    nested = sorted({n.payload for n in protocol.notifications if len(n.turn) == 2})
    text = _REGISTRY.format(
        imports=", ".join(payloads),
        exports=exports([*payloads, *_NAMES]),
        direct="".join(f'"{name}", ' for name in direct),
        nested="".join(f'"{name}", ' for name in nested),
    )
    return formatted(HEADER + text, path)
