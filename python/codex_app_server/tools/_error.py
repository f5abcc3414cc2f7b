"""What a tool raises to tell the model something."""

from __future__ import annotations


class ToolError(Exception):
    """The call has failed, and the model reads this text: what went wrong, and what to do about it.

    Raised by a tool. It is no fault of the program: nothing is logged as an error. Nothing but the text tells
    the model that the call has failed, so it should say so. What else a tool raises reaches the model as "The
    tool … failed", because the text of an exception may be meant for nobody else.

    Example:
        >>> def look_up(word: str) -> str:
        ...     raise ToolError(f"There is no {word!r} in the dictionary. Try its singular.")
    """
