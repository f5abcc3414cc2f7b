"""Writes the client that has a method for every request: ``_async/rpc.py``.

Owns its text: a class for each noun of the wire, a method for each request, and their docstrings. What the
calls are comes from ``calls.py``; ``scripts/make_sync.py`` makes the threads' form of what this writes.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field

from .calls import Argument, Call
from .names import class_name
from .python import HEADER, formatted
from .shapes import Type, named, union

_WIDTH = 109

_MODULE = '''
"""A typed call for every request of the protocol, by the wire's nouns: the asyncio shell.

`AsyncCodex.rpc` makes an `AsyncRpc`; the rest hangs on it. A method names its arguments and the model of its
answer; `_outgoing.calls` checks the arguments and makes the request.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any, Literal

from .._outgoing.calls import call, call_with
from .._outgoing.omit import OMIT, Omit
from ..generated import v2_all
from .namespace import AsyncNamespace

__all__ = ["AsyncRpc"]

'''

_ROOT_DOC = """\
Every request of the protocol as a typed call, under the wire's nouns.

Async form of `Rpc`. `thread/turns/list` is `rpc.thread.turns.list(...)`. Arguments are keywords: what is \
left out stays out of the message, and None is null. A model may be given as a dict too, an enum's member as \
its string. The answer is a model of `generated.v2_all`.

`timeout_s` is no argument of the wire: it bounds the whole call, in seconds. Without it a request has \
`CodexConfig.request_timeout_s` from when it is written, unless it is one of the few that are answered when \
work ends.

Raises:
    InvalidInputTypeError: An argument has the wrong type. Nothing was sent.
    InvalidInputError: An argument has a value that makes no sense. Nothing was sent.
    JsonRpcError: The runtime refused; for an experimental call with a hint, where the client lacks the
        capability.
    RequestTimeoutError: No answer in time.
    TransportClosedError: The connection ended first.

Example:
    >>> async def main():
    ...     async with AsyncCodex() as codex:
    ...         page = await codex.rpc.thread.list(limit=5)
    ...         print([thread.id for thread in page.data])\
"""


@dataclass
class _Noun:
    """One class: the requests that end here, the nouns below, and the request of its own name, if any."""

    path: tuple[str, ...]
    nouns: dict[str, _Noun] = field(default_factory=dict[str, "_Noun"])
    calls: dict[str, Call] = field(default_factory=dict[str, Call])
    own: Call | None = None

    @property
    def name(self) -> str:
        # The underscore keeps thread/section and threadSection apart.
        return f"Async{'_'.join(map(class_name, self.path))}Calls" if self.path else "AsyncRpc"

    def all(self) -> Iterator[_Noun]:
        yield self
        for noun in self.nouns.values():
            yield from noun.all()


def module(path: str, calls: list[Call]) -> str:
    """Returns the source of the client at ``path``."""
    classes = [_class(noun) for noun in _tree(calls).all()]
    return formatted("\n".join([HEADER + _MODULE, *classes]), path)


def _tree(calls: list[Call]) -> _Noun:
    root = _Noun(())
    for call in calls:
        noun = root
        for segment in call.path[:-1]:
            noun = noun.nouns.setdefault(segment, _Noun((*noun.path, segment)))
        noun.calls[call.path[-1]] = call
    for noun in root.all():
        # A name that is both is a noun that can be called.
        for name in noun.nouns.keys() & noun.calls.keys():
            noun.nouns[name].own = noun.calls.pop(name)
    return root


def _class(noun: _Noun) -> str:
    doc = _ROOT_DOC if not noun.path else f"The calls under `{'.'.join(noun.path)}`."
    parts = [f"class {noun.name}(AsyncNamespace):", _indented(_docstring(doc, 4)), ""]
    if noun.path:
        parts.append("    __slots__ = ()\n")
    # In a class with a method `list`, that name in an annotation would be the method.
    shadowed = "list" in noun.calls
    if noun.own is not None:
        parts.append(_method("__call__", noun.own, shadowed))
    for name in sorted({*noun.nouns, *noun.calls}):
        if name in noun.nouns:
            parts.append(_property(name, noun.nouns[name]))
        else:
            parts.append(_method(name, noun.calls[name], shadowed))
    return "\n".join(parts)


def _property(name: str, noun: _Noun) -> str:
    doc = f"The calls under `{'.'.join(noun.path)}`."
    lines = ["@property", f"def {name}(self) -> {noun.name}:", f'    """{doc}"""']
    return _indented("\n".join([*lines, f"    return {noun.name}(self._runtime)"])) + "\n"


def _method(name: str, call: Call, shadowed: bool) -> str:
    signature = "".join(f", {_parameter(argument, shadowed)}" for argument in call.arguments)
    timeout = ", timeout_s: float | None = None"
    if call.whole:
        made = f'call_with("{call.method}", {call.arguments[0].name})'
    else:
        given = "".join(f", {argument.name}={argument.name}" for argument in call.arguments)
        made = f'call("{call.method}"{given})'
    lines = [
        f"async def {name}(self, *{signature}{timeout}) -> v2_all.{call.response}:",
        _indented(_docstring(_method_doc(call), 8)),
        f"    return await self._request({made}, timeout_s)",
    ]
    return _indented("\n".join(lines)) + "\n"


def _parameter(argument: Argument, shadowed: bool) -> str:
    taken = Type(_through_the_module(argument.taken), argument.taken.refs)
    kind = taken.text if argument.required else union([taken, named("Omit")]).text
    if shadowed:
        kind = re.sub(r"\blist\[", "builtins.list[", kind)
    return f"{argument.name}: {kind}" + ("" if argument.required else " = OMIT")


def _through_the_module(kind: Type) -> str:
    """The annotation with its models as attributes of ``v2_all``, which loads one when it is evaluated."""
    names = "|".join(sorted(kind.refs, reverse=True))
    return re.sub(rf'"[^"]*"|\b({names})\b', _attribute, kind.text) if names else kind.text


def _attribute(found: re.Match[str]) -> str:
    return f"v2_all.{found[1]}" if found[1] else found[0]


def _method_doc(call: Call) -> str:
    mark = " (experimental)" if call.experimental else ""
    first, *rest = call.descriptions or [f"Answered with {article(call.response)} `{call.response}`."]
    text = "\n\n".join([f"`{call.method}`{mark}: {first}", *rest])
    told = [f"    {each.name}: {' '.join(each.doc.split())}" for each in call.arguments if each.doc]
    return "\n".join([text, "", "Args:", *told]) if told else text


def article(noun: str) -> str:
    """``a`` or ``an``."""
    return "an" if noun[0] in "AEIO" else "a"


def _docstring(text: str, margin: int) -> str:
    """A docstring of ``text``, wrapped by line for a place ``margin`` columns in, with safe escapes."""
    text = text.replace("\\", "\\\\").replace('"""', "'''").strip()
    lines: list[str] = []
    for line in text.splitlines():
        indent = " " * (len(line) - len(line.lstrip()))
        deeper = indent + ("    " if re.match(r"\s+\w+: ", line) else "")
        code = line.lstrip().startswith((">>>", "..."))
        lines += (
            [line]
            if code or not line.strip()
            else textwrap.wrap(
                line,
                _WIDTH - margin - (3 if not lines else 0),
                subsequent_indent=deeper,
                break_long_words=False,
                break_on_hyphens=False,
            )
        )
    body = "\n".join(lines)
    if body.endswith('"'):
        body += " "
    return f'"""{body}\n"""' if "\n" in body else f'"""{body}"""'


def _indented(text: str) -> str:
    return textwrap.indent(text, "    ")
