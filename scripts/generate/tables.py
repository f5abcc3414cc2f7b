"""Writes the method tables in Python: ``notifications.py`` and ``requests.py``.

Owns the text of those two modules. They name models by string, so that importing a table imports no
model.
"""

from __future__ import annotations

from collections.abc import Mapping

from .homes import OF_TURNS
from .protocol import Protocol, Request, ServerRequest
from .python import HEADER, formatted

_NOTIFICATIONS = '''
"""Which model belongs to which notification.

Importing this module imports no model; ``payload_model`` does, at its first call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from .._package.late import pydantic
from ._lookup import model

if TYPE_CHECKING:
    from ..models import UnknownNotification
    from .v2_all import (
        {imports}
    )

    KnownPayload: TypeAlias = (
        {union}
    )
    # What `Notification.payload` may be.
    NotificationPayload: TypeAlias = KnownPayload | UnknownNotification

__all__ = ["OF_TURNS", "PAYLOADS", "payload_model"]


def payload_model(method: str) -> type[pydantic.BaseModel] | None:
    """Returns the model of a notification's params, or None for a method that is not known."""
    name = PAYLOADS.get(method)
    return None if name is None else model(name)


# The name of each method's payload model.
PAYLOADS: dict[str, str] = {{
'''

_REQUESTS = '''
"""Which models belong to which request, in both directions.

Importing this module imports no model; ``params_model`` and ``response_model`` of a spec do.
"""

from __future__ import annotations

from typing import NamedTuple

from .._package.late import pydantic
from ._lookup import model

__all__ = ["REQUESTS", "SERVER_REQUESTS", "RequestSpec", "ServerRequestSpec"]


class RequestSpec(NamedTuple):
    """A request that the client sends.

    ``params`` and ``response`` name models; ``params`` is None where the request takes none.
    ``params_optional`` says that they may be left out as a whole, ``experimental`` that the runtime
    answers only when the client asked for the experimental API. ``not_nullable`` has the fields of the
    params that may be left out but not be null; the models take None there too.
    """

    params: str | None
    response: str
    params_optional: bool
    experimental: bool
    not_nullable: tuple[str, ...] = ()

    @property
    def params_model(self) -> type[pydantic.BaseModel] | None:
        """The model of the request's params, None where it takes none."""
        return None if self.params is None else model(self.params)

    @property
    def response_model(self) -> type[pydantic.BaseModel]:
        """The model of the result."""
        return model(self.response)


class ServerRequestSpec(NamedTuple):
    """A request that the server sends: the names of the models of its params and its answer."""

    params: str
    response: str

    @property
    def params_model(self) -> type[pydantic.BaseModel]:
        """The model of what the server asks."""
        return model(self.params)

    @property
    def response_model(self) -> type[pydantic.BaseModel]:
        """The model of the answer."""
        return model(self.response)


'''


def notifications(path: str, protocol: Protocol, homes: Mapping[str, str]) -> str:
    """Returns the source of ``notifications.py``; ``homes`` has the home of each class."""
    payloads = sorted({n.payload for n in protocol.notifications})
    head = _NOTIFICATIONS.format(
        imports=", ".join(payloads),
        union=" | ".join(payloads),
    )
    rows = [f'    "{n.method}": "{n.payload}",' for n in protocol.notifications]
    of_turns = [f'"{n.method}"' for n in protocol.notifications if homes[n.payload] in OF_TURNS]
    constant = (
        f"\n# What turns send, as far as it needs no other models.\nOF_TURNS = ({', '.join(of_turns)})\n"
    )
    return formatted(HEADER + head + "\n".join(rows) + "\n}\n" + constant, path)


def requests(path: str, protocol: Protocol) -> str:
    """Returns the source of ``requests.py``."""
    parts = [
        HEADER + _REQUESTS + "REQUESTS: dict[str, RequestSpec] = {",
        *(_request(r) for r in protocol.requests),
        "}\n",
        "SERVER_REQUESTS: dict[str, ServerRequestSpec] = {",
        *(_server_request(s) for s in protocol.server_requests),
        "}\n",
    ]
    return formatted("\n".join(parts), path)


def _request(row: Request) -> str:
    params = "None" if row.params is None else f'"{row.params}"'
    not_nullable = f", not_nullable={row.not_nullable}" if row.not_nullable else ""
    return (
        f'    "{row.method}": RequestSpec({params}, "{row.response}", '
        f"params_optional={row.params_optional}, experimental={row.experimental}{not_nullable}),"
    )


def _server_request(row: ServerRequest) -> str:
    return f'    "{row.method}": ServerRequestSpec("{row.params}", "{row.response}"),'
