"""What a tool gives back, as content items of the protocol."""

from __future__ import annotations

import base64
import dataclasses
import enum
import json
import math
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from codex_app_server import ImageInput, InvalidInputError, InvalidInputTypeError
from codex_app_server.tools import Audio, Image, ToolError
from codex_app_server.tools._content import content_items


class Point(BaseModel):
    x: int
    y: int = 0


@dataclasses.dataclass
class Size:
    width: int
    height: int = 1


class Colour(enum.Enum):
    red = "r"


def plain() -> None: ...
async def slow() -> None: ...


PNG = b"\x89PNG..."
URL = "data:image/png;base64," + base64.b64encode(PNG).decode()


def text(value: str) -> dict[str, Any]:
    return {"type": "inputText", "text": value}


IMAGE = {"type": "inputImage", "imageUrl": URL}
SOUND = {"type": "inputAudio", "audioUrl": "data:audio/wav;base64,UklGRg=="}


class Word(str, enum.Enum):
    book = "a book"


@pytest.mark.parametrize(
    ("value", "items"),
    [
        ("a book", [text("a book")]),
        ("", [text("")]),
        (None, [text("null")]),
        (True, [text("true")]),
        (5, [text("5")]),
        (1.5, [text("1.5")]),
        (math.nan, [text('"NaN"')]),
        (math.inf, [text('"Infinity"')]),
        (10**30, [text("1" + "0" * 30)]),
        ([], [text("[]")]),
        (["a", 1, None], [text('["a",1,null]')]),
        (("a", "b"), [text('["a","b"]')]),
        ({1}, [text("[1]")]),
        ({"ä": {"b": (1, 2)}}, [text('{"ä":{"b":[1,2]}}')]),
        ({1: 2}, [text('{"1":2}')]),
        (Point(x=1), [text('{"x":1,"y":0}')]),
        ([Point(x=1)], [text('[{"x":1,"y":0}]')]),
        (Size(1), [text('{"width":1,"height":1}')]),
        (date(2026, 11, 28), [text('"2026-11-28"')]),
        (timedelta(minutes=5), [text('"PT5M"')]),
        (Decimal("1.10"), [text('"1.10"')]),
        (Path("/x"), [text(json.dumps(str(Path("/x"))))]),
        (Colour.red, [text('"r"')]),
        (Word.book, [text("a book")]),
        (b"ab", [text('"YWI="')]),
        (SecretStr("hunter2"), [text('"**********"')]),
        (iter([1, 2]), [text("[1,2]")]),
        (Image(PNG), [IMAGE]),
        (Audio(b"RIFF"), [SOUND]),
        (ImageInput(URL), [IMAGE]),
        ([Image(PNG)], [IMAGE]),
        (
            ("Of tides:", Image(PNG), {"a": 1}, Audio(b"RIFF")),
            [text("Of tides:"), IMAGE, text('{"a":1}'), SOUND],
        ),
    ],
)
def test_a_value_is_content_items(value: Any, items: list[dict[str, Any]]) -> None:
    made = content_items(value)
    assert made == items
    json.dumps(made, allow_nan=False)


def endless() -> list[Any]:
    made: list[Any] = []
    made.append(made)
    return made


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (object(), "object"),
        (ValueError("x"), "ValueError"),
        (plain, "function"),
        (endless(), "list"),
        (slow, "function"),
    ],
)
def test_what_json_cannot_hold_is_no_value(value: Any, named: str) -> None:
    with pytest.raises(InvalidInputTypeError, match=f"A tool gives back text, .*; {named} is none"):
        content_items(value)


@pytest.mark.parametrize("value", [{"chart": Image(PNG)}, [[Image(PNG)]], {"sound": [Audio(b"RIFF")]}])
def test_an_image_that_stands_deeper_is_not_made_a_text(value: Any) -> None:
    with pytest.raises((InvalidInputTypeError, InvalidInputError), match=r"Image|Audio"):
        content_items(value)


@pytest.mark.parametrize("url", ["https://x.example/a.png", "http://x.example/a.png"])
def test_an_image_by_a_link_is_refused(url: str) -> None:
    with pytest.raises(InvalidInputError, match="data: URL only: give an Image"):
        content_items(ImageInput(url))
    with pytest.raises(InvalidInputError, match="data: URL only"):
        content_items(["Here:", ImageInput(url)])


def test_bytes_of_every_kind_are_an_image() -> None:
    assert {Image(kind(PNG)).url for kind in (bytes, bytearray, memoryview)} == {URL}  # type: ignore[arg-type]


def test_what_is_shown_of_an_image_is_not_its_data() -> None:
    assert repr(Image(b"private", "image/gif")) == "<Image image/gif, 7 bytes>"


def wrong(value: object) -> Any:
    """What checkers would refuse."""
    return value


@pytest.mark.parametrize(
    ("make", "error", "reason"),
    [
        (lambda: Image(wrong("x")), InvalidInputTypeError, "Image.data must be bytes, not str"),
        (lambda: Audio(wrong(None)), InvalidInputTypeError, "Audio.data must be bytes, not NoneType"),
        (
            lambda: Image(b"x", "text/plain"),
            InvalidInputError,
            "Image.media_type must be a media type such as image/",
        ),
        (lambda: Image(b"x", wrong(5)), InvalidInputError, "Image.media_type must be"),
        (
            lambda: Audio(b"x", "image/png"),
            InvalidInputError,
            "Audio.media_type must be a media type such as audio/",
        ),
    ],
)
def test_media_of_another_type_are_refused(make: Any, error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason):
        make()


def test_a_file_is_read_and_its_type_told_by_its_name(tmp_path: Path) -> None:
    for name, media_type in (("a.png", "image/png"), ("b.JPEG", "image/jpeg"), ("c.gif", "image/gif")):
        path = tmp_path / name
        path.write_bytes(PNG)
        for given in (path, str(path)):
            image = Image.from_file(given)
            assert (image.data, image.media_type) == (PNG, media_type)
    sound = tmp_path / "d.mp3"
    sound.write_bytes(b"ID3")
    assert Audio.from_file(sound).url == Audio(b"ID3", "audio/mpeg").url
    for kind, path in (
        (Image, sound),
        (Audio, tmp_path / "a.png"),
        (Image, tmp_path / "e"),
        (Image, tmp_path / "f.txt"),
    ):
        with pytest.raises(
            InvalidInputError, match=rf"does not say that it is .*{kind.__name__}\(data, media_type\)"
        ):
            kind.from_file(path)
    with pytest.raises(FileNotFoundError):
        Image.from_file(tmp_path / "missing.png")


@pytest.mark.parametrize("error", [ToolError("There is none."), ToolError(5)])
def test_a_tool_error_has_its_text(error: ToolError) -> None:
    assert isinstance(error, Exception)
    assert str(error) in ("There is none.", "5")
