"""Finds a generated model by name, when it is first asked for.

Owns the one place that imports the models on behalf of the method tables, so that importing a table
costs nothing. Written by hand; called by the generated tables only.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from pydantic import BaseModel


@cache
def model(name: str) -> type[BaseModel]:
    """Returns the class called ``name``. Only names of the tables come here: the cache is bounded."""
    return cast("type[BaseModel]", getattr(import_module(f"{__package__}.v2_all"), name))
