# Made from _async/live.py by `python scripts/make_sync.py`; do not edit.

"""Calls by the wire's names, each answer judged against the very bytes that it was made from.

Owns the judgement: what is unknown in an answer, and whether its dump is what the runtime sent. It finds
calls and models by itself, and asks none of the tables that the calls were generated from.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from codex_app_server import Codex
from codex_app_server.generated import v2_all
from codex_app_server.generated._base import OpenEnum, UnknownVariant


def snake(segment: str) -> str:
    """A segment of a method as Python spells it."""
    name = re.sub(
        r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", segment.replace("OAuth", "Oauth")
    ).lower()
    return "import_" if name == "import" else name


def unknown(value: Any, place: str = "") -> Iterator[str]:
    """Where a value holds what its model does not know."""
    if isinstance(value, UnknownVariant):
        yield f"{place}: {type(value).__name__} {value.model_extra}"
    elif isinstance(value, OpenEnum):
        if not value.is_known:
            yield f"{place}: {value!r}"
    elif isinstance(value, BaseModel):
        for name in value.model_extra or ():
            yield f"{place}+{name}"
        for name in type(value).model_fields:
            yield from unknown(getattr(value, name), place if name == "root" else f"{place}.{name}")
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from unknown(inner, f"{place}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from unknown(inner, f"{place}[]")


class Live:
    """The calls of one client.

    Args:
        codex: The client.
        sent: The raw answers by method, as whoever listens to the decoder puts them there.
        known: What answers hold that the schema lacks: patterns of places by method.
    """

    def __init__(self, codex: Codex, sent: dict[str, bytes], known: Mapping[str, str]) -> None:
        self.codex = codex
        self.answered: set[str] = set()
        self.surprises: set[str] = set()
        self._sent = sent
        self._known = known

    def __call__(self, method: str, **arguments: Any) -> Any:
        call: Any = self.codex.rpc
        for segment in method.split("/"):
            call = getattr(call, snake(segment))
        answer = call(**arguments)
        self._judge(
            method, getattr(v2_all, inspect.signature(call).return_annotation.removeprefix("v2_all.")), answer
        )
        self.answered.add(method)
        return answer

    def _judge(self, method: str, declared: type[BaseModel], answer: Any) -> None:
        assert type(answer) is declared, method
        dump = answer.model_dump(mode="json", by_alias=True, exclude_unset=True)
        assert dump == json.loads(self._sent.pop(method)), method
        for place in unknown(answer):
            assert re.match(self._known.get(method, "$"), place), f"{method}{place}"
            self.surprises.add(method)
