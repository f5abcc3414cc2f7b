"""`OMIT`: what an argument is that was left out.

Owns the sentinel and its class. On this wire "left out" and null differ (a service tier that stays as it is,
and one that is cleared), so the calls of `rpc` take None for null and default to this.
"""

from __future__ import annotations

from typing import Final, final


@final
class Omit:
    """The type of `OMIT`, for annotations. There is one instance.

    Example:
        >>> tier: str | None | Omit = OMIT
        >>> tier or "as it was"
        'as it was'
    """

    __slots__ = ()
    _instance: Omit | None = None

    def __new__(cls) -> Omit:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __repr__(self) -> str:
        return "OMIT"

    def __bool__(self) -> bool:
        return False

    # Pickled and copied as the global of this name: it stays one.
    def __reduce__(self) -> str:
        return "OMIT"


OMIT: Final = Omit()
