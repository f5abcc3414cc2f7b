"""Which answer a request gets: a user's script, checked once and turned into a `Playbook`.

A playbook lives in the server's process and is plain data, so it is pickled there once; only a callable stays
in the user's process and is asked over the control channel. Nothing here knows HTTP.
"""

from __future__ import annotations

import inspect
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .._arguments import gives_coroutine
from .answers import Answer
from .endings import ResponseFailure
from .errors import ScriptError
from .requests import ModelRequest

Reply = str | Answer
Responder = Callable[[ModelRequest], str | Answer | None]
Replies = Reply | Sequence[Reply]
# Keys are `str` or `re.Pattern[str]`; a mapping is invariant in them, so naming the types would refuse
# most of the dicts that people have.
ByKey = Mapping[Any, Replies]
Script = Replies | ByKey | Responder | None

_ASYNC_RESPONDER = (
    "Responders are sync functions that return str, Answer or None (they run on a thread of the model's, "
    "outside any event loop); this one is async"
)


class Playbook:
    """Gives each request its answer; this one echoes the prompt."""

    def answer(self, request: ModelRequest) -> Answer:
        """The answer to `request`.

        Raises:
            ScriptError: The script has none.
        """
        return Answer(request.prompt)


class Always(Playbook):
    """The same answer to every request."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def answer(self, request: ModelRequest) -> Answer:
        return self._answer


class InTurn(Playbook):
    """The given answers in order, one per request."""

    def __init__(self, answers: Sequence[Answer], what: str) -> None:
        self._left = deque(answers)
        self._count = len(answers)
        self._what = what

    def answer(self, request: ModelRequest) -> Answer:
        if not self._left:
            raise ScriptError(
                f"The offline model's script is exhausted: {self._what} has {self._count} answer(s), and "
                f"request {request.number} (prompt {_short(request.prompt)}) wants one more. "
                "Add an answer; after a tool call the runtime asks again."
            )
        return self._left.popleft()


class ByPrompt(Playbook):
    """The answers of the first key that fits the prompt: equal text first, then patterns in their order."""

    def __init__(
        self, exact: Mapping[str, Playbook], patterns: Sequence[tuple[re.Pattern[str], Playbook]]
    ) -> None:
        self._exact = exact
        self._patterns = patterns

    def answer(self, request: ModelRequest) -> Answer:
        found = self._exact.get(request.prompt)
        if found is None:
            found = next(
                (playbook for pattern, playbook in self._patterns if pattern.search(request.prompt)), None
            )
        if found is None:
            keys = [*map(_short, self._exact), *(f"/{pattern.pattern}/" for pattern, _ in self._patterns)]
            known = ", ".join(keys[:5]) + (f" and {len(keys) - 5} more" if len(keys) > 5 else "")
            raise ScriptError(
                f"The offline model's script has no answer for the prompt {_short(request.prompt)}; "
                f"it knows {known or 'nothing'}. "
                'Add a key, or re.compile("") as the last one to catch the rest.'
            )
        return found.answer(request)


def playbook_for(script: Script) -> Playbook | Responder:
    """Check `script` and turn it into a playbook; a callable is returned as it is.

    Raises:
        TypeError: Something that is no script, or an asynchronous callable.
        ValueError: A repeated answer that calls a tool (the runtime would ask, and be told to call it, for
            ever), or an empty sequence.
    """
    if script is None:
        return Playbook()
    if isinstance(script, Mapping):
        exact: dict[str, Playbook] = {}
        patterns: list[tuple[re.Pattern[str], Playbook]] = []
        for key, replies in script.items():
            if isinstance(key, re.Pattern) and isinstance(key.pattern, str):
                patterns.append((key, _for_replies(replies, f"/{key.pattern}/")))
            elif isinstance(key, str):
                exact[key] = _for_replies(replies, _short(key))
            else:
                raise TypeError(f"A script's key must be str or a compiled pattern of str, not {key!r}")
        return ByPrompt(exact, patterns)
    if callable(script):
        if gives_coroutine(script):
            raise TypeError(_ASYNC_RESPONDER)
        return script
    return _for_replies(script, "the list")


def reply_to_answer(reply: object) -> Answer:
    """A `str` as a message, an `Answer` as it is.

    Raises:
        TypeError: Anything else.
    """
    if isinstance(reply, str):
        return Answer(reply)
    if isinstance(reply, Answer):
        return reply
    raise TypeError(f"An answer must be str or Answer, not {reply!r}")


def returned_answer(reply: object, request: ModelRequest) -> Answer:
    """What a responder returned as an answer; `None` echoes the prompt.

    Raises:
        TypeError: Anything but `str`, `Answer` or `None`.
    """
    if reply is None:
        return Answer(request.prompt)
    if inspect.iscoroutine(reply):
        # Closed, or Python would complain on top that nobody awaited it.
        reply.close()
        raise TypeError(_ASYNC_RESPONDER)
    if isinstance(reply, (str, Answer)):
        return reply_to_answer(reply)
    raise TypeError(f"A responder must return str, Answer or None, not {reply!r}")


def script_failure(message: str) -> Answer:
    """The answer that fails the turn with exactly this message; the runtime changes those of other codes."""
    return Answer(ResponseFailure("invalid_prompt", message))


def _for_replies(replies: object, what: str) -> Playbook:
    if isinstance(replies, Sequence) and not isinstance(replies, (str, bytes, bytearray)):
        if not replies:
            raise ValueError(f"The script has an empty list of answers for {what}")
        return InTurn([reply_to_answer(reply) for reply in replies], what)
    answer = reply_to_answer(replies)
    if answer.calls_tools:
        raise ValueError(
            f"The answer for {what} calls a tool and would be repeated for ever: the runtime asks again "
            "after each call. Give a list: the call first, then the answer that ends the turn."
        )
    return Always(answer)


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
