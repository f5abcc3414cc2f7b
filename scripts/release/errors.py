"""The error of everything that stands in the way of a release; the command line prints it."""

from __future__ import annotations


class ReleaseError(Exception):
    """A release cannot be made like this.

    Attributes:
        cause: What is wrong, and where.
        fix: What to do about it.
    """

    def __init__(self, cause: str, fix: str) -> None:
        super().__init__(f"{cause}\nTo fix it: {fix}")
        self.cause = cause
        self.fix = fix
