"""Results of a type: the schema that is sent for it, and how the text that comes back is read.

Owns what `output_type=` and `output_schema=` of a turn come to. The rest is imported when a type is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._package import late
from ..errors import InvalidInputError, InvalidInputTypeError


def wanted_output(
    output_type: Any, output_schema: Mapping[str, Any] | None
) -> tuple[late.OutputType[Any] | None, Mapping[str, Any] | None]:
    """Who reads a turn's result, and the schema to send.

    Raises:
        InvalidInputError: Both are given, or the type has no strict schema.
        InvalidInputTypeError: `output_type` is no type.
    """
    if output_type is None:
        if isinstance(output_schema, type):
            raise InvalidInputTypeError(
                "output_schema must be a mapping, a JSON schema. A type is given as output_type: "
                f"output_type={output_schema.__name__}."
            )
        return None, output_schema
    if output_schema is not None:
        raise InvalidInputError(
            "output_type and output_schema are two ways to say the same: give one of them."
        )
    from .output_type import output_type_of

    wanted = output_type_of(output_type)
    return wanted, wanted.schema
