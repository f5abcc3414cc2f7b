"""What a turn can be given: text, images, skills, mentions, messages of tools.

Owns the public input classes, their check and their form on the wire. Used by `_params`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import InvalidInputError, InvalidInputTypeError

if TYPE_CHECKING:
    from .generated.v2_all import FunctionCallOutputContentItem
    from .models import JsonObject


@dataclass(slots=True)
class TextInput:
    """Text. A plain `str` is short for one of these."""

    text: str


@dataclass(slots=True)
class ImageInput:
    """An image as a URL, usually a `data:` URL."""

    url: str


@dataclass(slots=True)
class LocalImageInput:
    """An image as the path of a file that the runtime can read."""

    path: str


@dataclass(slots=True)
class SkillInput:
    """A skill, by its name and the path of its SKILL.md."""

    name: str
    path: str


@dataclass(slots=True)
class MentionInput:
    """A mention of an app, plugin or file, by name and path (`app://…`, `plugin://…`)."""

    name: str
    path: str


@dataclass(slots=True)
class ExternalMessage:
    """Content from a tool, another agent or another program, with less authority than the user's own words.

    Args:
        tool_name: The name under which the model sees it.
        content: Text, or content items as the Responses API has them (`{"type": "input_text", "text": …}`).
        namespace: The tool's namespace, if it has one.
    """

    tool_name: str
    content: str | Sequence[JsonObject | FunctionCallOutputContentItem]
    namespace: str | None = None


InputItem = TextInput | ImageInput | LocalImageInput | SkillInput | MentionInput
Input = list[InputItem] | InputItem
RunInput = Input | str | ExternalMessage

_WIRE_TYPES: dict[type, tuple[str, tuple[str, ...]]] = {
    TextInput: ("text", ("text",)),
    ImageInput: ("image", ("url",)),
    LocalImageInput: ("localImage", ("path",)),
    SkillInput: ("skill", ("name", "path")),
    MentionInput: ("mention", ("name", "path")),
}
_ACCEPTED = (
    "a str, TextInput, ImageInput, LocalImageInput, SkillInput, MentionInput or a list of these inputs"
)


def turn_input(value: Any) -> dict[str, Any]:
    """The fields of turn/start that carry `value`.

    Raises:
        InvalidInputError: It is empty.
        InvalidInputTypeError: It is none of the input classes.
    """
    if isinstance(value, ExternalMessage):
        return {"input": [], "toolOutput": _tool_output(value)}
    return {"input": input_items(value)}


def input_items(value: Any) -> list[dict[str, Any]]:
    """The wire form of `Input | str`, as turn/start and turn/steer take it."""
    if isinstance(value, str):
        value = TextInput(value)
    items = [_item(part) for part in (value if isinstance(value, list) else [value])]
    if all(item["type"] == "text" and not item["text"] for item in items):
        raise InvalidInputError("The prompt is empty. Give some text, or an input such as ImageInput.")
    return items


def _item(part: Any) -> dict[str, Any]:
    known = _WIRE_TYPES.get(type(part))
    if known is None:
        hint = " Inside a list, write text as TextInput(…)." if isinstance(part, str) else ""
        raise InvalidInputTypeError(f"The input must be {_ACCEPTED}, not {type(part).__name__}.{hint}")
    kind, fields = known
    item: dict[str, Any] = {"type": kind}
    for name in fields:
        text = getattr(part, name)
        if not isinstance(text, str):
            raise InvalidInputTypeError(
                f"{type(part).__name__}.{name} must be a str, not {type(text).__name__}."
            )
        if not text and kind != "text":
            raise InvalidInputError(f"{type(part).__name__}.{name} is empty.")
        item[name] = text
    return item


def _tool_output(message: ExternalMessage) -> dict[str, Any]:
    if not isinstance(message.tool_name, str) or not message.tool_name:
        raise InvalidInputError("ExternalMessage.tool_name must be a non-empty str.")
    output: dict[str, Any] = {"name": message.tool_name, "output": _content(message.content)}
    if message.namespace is not None:
        if not isinstance(message.namespace, str):
            raise InvalidInputTypeError("ExternalMessage.namespace must be a str or None.")
        output["namespace"] = message.namespace
    return output


def _content(content: Any) -> Any:
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence) or isinstance(content, (bytes, bytearray)):
        raise InvalidInputTypeError(
            f"ExternalMessage.content must be a str or a list of content items, not {type(content).__name__}."
        )
    return [_content_item(part) for part in content]


def _content_item(part: Any) -> dict[str, Any]:
    if isinstance(part, dict):
        return part
    dump = getattr(part, "model_dump", None)
    if dump is None:
        raise InvalidInputTypeError(f"A content item must be a dict or a model, not {type(part).__name__}.")
    item: dict[str, Any] = dump(mode="json", by_alias=True, exclude_none=True)
    return item
