"""The root of every error, and how errors are pickled."""

from __future__ import annotations

from typing import Any


def _restore(cls: type[CodexError], args: tuple[Any, ...], state: dict[str, Any]) -> CodexError:
    error = cls.__new__(cls, *args)
    error.args = args
    for name, value in state.items():
        setattr(error, name, value)
    return error


class CodexError(Exception):
    """The root of every error of this SDK."""

    # BaseException pickles by calling the class with `args`, which fails for every class whose
    # constructor takes data. Here the instance is rebuilt without its constructor.
    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self._state())

    def _state(self) -> dict[str, Any]:
        return dict(self.__dict__)
