"""The JSON schema that Pydantic makes of a type, without its warnings.

What they are about (a default that JSON does not have, a part of a union without a schema) is no fault of the
program that names the type. Used for tools and for results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import TypeAdapter


def json_schema(adapter: TypeAdapter[Any], *, by_alias: bool = True) -> dict[str, Any]:
    """The schema of what the adapter reads.

    Raises:
        PydanticUserError: There is none.
    """
    from pydantic.json_schema import GenerateJsonSchema

    class Quiet(GenerateJsonSchema):
        ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012 - as its base has it

        def field_is_present(self, field: Any) -> bool:
            # Pydantic shows a dataclass' field that is not given to it, and drops what is given.
            return field.get("init", True) is not False and super().field_is_present(field)

    return adapter.json_schema(by_alias=by_alias, schema_generator=Quiet)


# What a schema holds besides others.
_NO_SCHEMAS = frozenset({"metadata", "serialization", "cls", "default", "default_factory", "function"})


def reads_later(adapter: TypeAdapter[Any]) -> bool:
    """Whether a part of the type is checked only when the program iterates: an Iterable, a Generator."""
    found = [adapter.core_schema]
    seen: set[int] = set()
    while found:
        part: Any = found.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, dict):
            if part.get("type") == "generator":
                return True
            inner = part.get("schema")
            is_inner_late = isinstance(inner, dict) and inner.get("type") == "generator"
            if is_inner_late and str(part.get("type")).startswith("function-"):
                continue  # a validator of the program's makes something of it
            found += [each for name, each in part.items() if name not in _NO_SCHEMAS]
        elif isinstance(part, (list, tuple)):
            found += part
    return False
