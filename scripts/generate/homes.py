"""Which module each class lives in, so that a program loads only the models that it touches.

Owns the partition. It is derived: what a class refers to is needed wherever the class is, so it lives
in the same home or in one further up in this list, and homes import each other in one direction only.

- ``deltas``: flat payloads of a turn's notifications. They refer to nothing.
- ``every_turn``: what ``policy.EVERY_TURN`` is made of, and other payloads of turns that need no more.
- ``shared``: what the methods of several nouns need.
- one home for each noun, the first word of a method: what its methods alone need.
- ``messages``: whole messages with their ids and methods. No method needs them.
- ``others``: definitions that nothing of the above refers to.

Writes no text; ``python.py`` does.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from . import policy
from .names import snake
from .protocol import Protocol, Request, ServerRequest
from .shapes import Class, closure, references

_UNIONS = ("ClientNotification", "ClientRequest", "ServerNotification", "ServerRequest")

# How many classes a model is made of, from which on others reuse its validator. For smaller ones a
# validator of their own costs about as much as building them into each other one.
_LARGE = 10


# The homes of what a turn's notifications are made of.
OF_TURNS = ("every_turn", "deltas")

_DESCRIPTIONS = {
    "deltas": "Flat payloads of a turn's notifications.",
    "every_turn": "What every turn sends: turns, items, token usage.",
    "shared": "Models that methods of several nouns need.",
    "messages": "Whole messages, with ids and methods. This package reads and writes their parts only.",
    "others": "Models that no method needs.",
}


def assign(classes: Mapping[str, Class], protocol: Protocol) -> dict[str, str]:
    """Returns the home of each class.

    Raises:
        ValueError: A noun of the protocol has the name of another home.
    """
    payloads = {n.method: n.payload for n in protocol.notifications}
    every_turn = closure(classes, [payloads[method] for method in policy.EVERY_TURN])
    of_turns = {n.payload for n in protocol.notifications if n.turn}
    deltas = {name for name in of_turns - every_turn if not references(classes[name])}
    every_turn |= {name for name in of_turns - deltas if references(classes[name]) <= every_turn}
    nouns = _nouns(classes, protocol)
    messages = closure(classes, [name for name in _UNIONS if name in classes])
    found: dict[str, str] = {}
    for name in classes:
        if name in deltas:
            found[name] = "deltas"
        elif name in every_turn:
            found[name] = "every_turn"
        elif len(nouns[name]) > 1:
            found[name] = "shared"
        elif nouns[name]:
            (found[name],) = nouns[name]
        else:
            found[name] = "messages" if name in messages else "others"
    return found


def _nouns(classes: Mapping[str, Class], protocol: Protocol) -> dict[str, set[str]]:
    """The nouns whose methods need a class, by its name."""
    needed: dict[str, list[str | None]] = defaultdict(list)
    for notification in protocol.notifications:
        needed[_noun(notification.method)].append(notification.payload)
    requests: list[Request | ServerRequest] = [*protocol.requests, *protocol.server_requests]
    for request in requests:
        needed[_noun(request.method)] += [request.params, request.response]
    found: dict[str, set[str]] = {name: set() for name in classes}
    for noun, names in needed.items():
        for name in closure(classes, filter(None, names)):
            found[name].add(noun)
    return found


def _noun(method: str) -> str:
    noun = snake(method.split("/", 1)[0])
    if noun in _DESCRIPTIONS:
        raise ValueError(f"{method} would share a home with what is not its own: rename that one")
    return noun


def description(home: str) -> str:
    """Returns what the module's docstring says."""
    return _DESCRIPTIONS.get(home, f"Models that only methods of ``{home}`` need.")


def reused(classes: Mapping[str, Class]) -> set[str]:
    """Returns the classes that are large and part of several others."""
    holders = Counter(name for item in classes.values() for name in references(item))
    return {name for name, count in holders.items() if count > 1 and _is_large(classes, name)}


def _is_large(classes: Mapping[str, Class], name: str) -> bool:
    return len(closure(classes, [name])) >= _LARGE
