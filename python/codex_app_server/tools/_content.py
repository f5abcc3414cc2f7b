"""What a tool gives back, as the content items of the protocol.

A text is sent as it is, everything else that JSON can hold as JSON. `Image` and `Audio` are what it is not.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from .._outgoing.inputs import ImageInput
from ..errors import InvalidInputError, InvalidInputTypeError

MediaT = TypeVar("MediaT", bound="_Media")


class _Media:
    # Not a dataclass: within other data, Pydantic would write one as JSON.
    __slots__ = ("data", "media_type")

    # What its media types begin with.
    _family: ClassVar[str] = ""

    def __init__(self, data: bytes, media_type: str) -> None:
        kind = type(self).__name__
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise InvalidInputTypeError(f"{kind}.data must be bytes, not {type(data).__name__}.")
        if not isinstance(media_type, str) or not media_type.startswith(self._family):
            raise InvalidInputError(
                f"{kind}.media_type must be a media type such as {self._family}…, not {media_type!r}."
            )
        self.data = bytes(data)
        self.media_type = media_type

    @classmethod
    def from_file(cls: type[MediaT], path: str | os.PathLike[str]) -> MediaT:
        """Read a file, whose media type is told by its name.

        Raises:
            InvalidInputError: Its name tells none of this kind.
            OSError: It cannot be read.
        """
        import mimetypes  # which reads the system's tables

        media_type = mimetypes.guess_type(os.fspath(path))[0]
        if media_type is None or not media_type.startswith(cls._family):
            raise InvalidInputError(
                f"The name of {os.fspath(path)} does not say that it is {cls._family}…: read it yourself, "
                f"and name its type with {cls.__name__}(data, media_type)."
            )
        return cls(Path(path).read_bytes(), media_type)

    @property
    def url(self) -> str:
        """It as a `data:` URL."""
        return f"data:{self.media_type};base64,{base64.b64encode(self.data).decode()}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Media) or type(other) is not type(self):
            return NotImplemented
        return (self.data, self.media_type) == (other.data, other.media_type)

    def __hash__(self) -> int:
        return hash((type(self), self.data, self.media_type))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.media_type}, {len(self.data)} bytes>"


class Image(_Media):
    r"""An image that a tool gives back.

    Args:
        data: The file's bytes.
        media_type: Its media type.

    Raises:
        InvalidInputTypeError: `data` is not bytes.
        InvalidInputError: `media_type` is no image's.

    Example:
        >>> def draw(topic: str) -> Image:
        ...     return Image(b"\x89PNG...", "image/png")
    """

    __slots__ = ()

    _family: ClassVar[str] = "image/"

    def __init__(self, data: bytes, media_type: str = "image/png") -> None:
        super().__init__(data, media_type)


class Audio(_Media):
    """Sound that a tool gives back. Models that do not hear are told that there was some.

    Args:
        data: The file's bytes.
        media_type: Its media type.

    Raises:
        InvalidInputTypeError: `data` is not bytes.
        InvalidInputError: `media_type` is no sound's.

    Example:
        >>> Audio(b"RIFF...").url
        'data:audio/wav;base64,UklGRi4uLg=='
    """

    __slots__ = ()

    _family: ClassVar[str] = "audio/"

    def __init__(self, data: bytes, media_type: str = "audio/wav") -> None:
        super().__init__(data, media_type)


def content_items(value: Any) -> list[dict[str, Any]]:
    """What a tool has given back, as `ToolCall.succeed` takes it.

    A list or tuple in which an image or a sound stands is one item for each of its parts.

    Raises:
        InvalidInputTypeError: JSON cannot hold it.
        InvalidInputError: It is an image by a URL that the runtime does not load.
    """
    if isinstance(value, (list, tuple)) and any(_is_media(part) for part in value):
        return [_item(part) for part in value]
    return [_item(value)]


def _is_media(value: Any) -> bool:
    return isinstance(value, (_Media, ImageInput))


def _item(value: Any) -> dict[str, Any]:
    if isinstance(value, Audio):
        return {"type": "inputAudio", "audioUrl": value.url}
    if isinstance(value, Image):
        return {"type": "inputImage", "imageUrl": value.url}
    if isinstance(value, ImageInput):
        if not value.url.startswith("data:"):
            raise InvalidInputError("The runtime takes a tool's image by a data: URL only: give an Image.")
        return {"type": "inputImage", "imageUrl": value.url}
    text = value if isinstance(value, str) else _json(value)
    # A name of a file may have what is no character.
    return {"type": "inputText", "text": text.encode("utf-8", "replace").decode()}


def _json(value: Any) -> str:
    from pydantic_core import PydanticSerializationError, to_json, to_jsonable_python

    try:
        try:
            return to_json(value, bytes_mode="base64", inf_nan_mode="strings").decode()
        except PydanticSerializationError:
            # What is no character, as in a name of a file, JSON has as an escape.
            return json.dumps(to_jsonable_python(value, bytes_mode="base64", inf_nan_mode="strings"))
    except (PydanticSerializationError, ValueError, RecursionError) as error:
        raise InvalidInputTypeError(
            f"A tool gives back text, what JSON can hold, a model, an Image or Audio, or a list of these; "
            f"{type(value).__name__} is none: {error}."
        ) from None
