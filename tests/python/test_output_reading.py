"""Final responses that are not of the type that was wanted: what the error says and keeps."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from codex_app_server._output_types.output_type import output_type_of
from codex_app_server.errors import OutputValidationError
from codex_app_server.types import TurnStatus
from tests import outputs
from tests.outputs import result_of


def refused(
    wanted: Any, text: str | None, *, status: TurnStatus = TurnStatus.completed
) -> OutputValidationError:
    result = result_of(text, status)
    with pytest.raises(OutputValidationError) as caught:
        output_type_of(wanted).read(result)
    assert caught.value.result is result
    assert caught.value.text == text
    return caught.value


TAIL = " `text` has all of it, `result` the turn."
WRONG: dict[str, tuple[Any, str, str, list[tuple[Any, ...]]]] = {
    "a wrong kind": (
        outputs.Berth,
        '{"name": "A", "depth_m": "deep"}',
        "The final response is no Berth. "
        "depth_m: Input should be a valid number, unable to parse string as a number.",
        [("depth_m",)],
    ),
    "several, and deeper": (
        outputs.Boat,
        '{"name": 1, "berth": {"name": "A"}, "former": [{"name": "A", "depth_m": null}]}',
        "The final response is no Boat. name: Input should be a valid string; berth.depth_m: Field required; "
        "former.0.depth_m: Input should be a valid number.",
        [("name",), ("berth", "depth_m"), ("former", 0, "depth_m")],
    ),
    "more than are shown": (
        list[int],
        '{"value": ["a", "b", "c", "d", "e", "f", "g"]}',
        "The final response is no list[int]. "
        + "; ".join(
            f"{n}: Input should be a valid integer, unable to parse string as an integer" for n in range(5)
        )
        + "; and 2 more.",
        [(n,) for n in range(7)],
    ),
    "no JSON": (
        outputs.Berth,
        "At A.",
        "The final response is no Berth. Invalid JSON: expected value at line 1 column 1.",
        [()],
    ),
    "no JSON, with nulls to be taken out": (
        outputs.Options,
        '{"count": 1',
        "The final response is no Options. Invalid JSON: EOF while parsing an object at line 1 column 11.",
        [()],
    ),
    "no JSON, where a value is wrapped": (
        int,
        '{"value": 1} and more',
        "The final response is no int. Invalid JSON: trailing characters at line 1 column 14.",
        [()],
    ),
    "without the wrapper": (
        list[int],
        "[1, 2]",
        "The final response is no list[int]. value: Field required.",
        [("value",)],
    ),
    "another name in place of the wrapper": (
        int,
        '{"values": 1}',
        "The final response is no int. value: Field required.",
        [("value",)],
    ),
    "a null where none may be": (
        outputs.Berth,
        '{"name": null, "depth_m": 1}',
        "The final response is no Berth. name: Input should be a valid string.",
        [("name",)],
    ),
    "a limit that only stands in the words": (
        outputs.Limits,
        '{"size": 1, "share": null, "even": 2, "code": "ABC", "word": "a", "looks": "", "few": [1]}',
        "The final response is no Limits. word: String should have at least 2 characters.",
        [("word",)],
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_text_that_does_not_fit_says_where_and_why(name: str) -> None:
    wanted, text, message, places = WRONG[name]
    error = refused(wanted, text)
    assert str(error) == message + TAIL
    assert [each["loc"] for each in error.errors] == places
    assert all({"type", "loc", "msg", "input"} == each.keys() for each in error.errors)


@pytest.mark.parametrize("wanted", [outputs.Tree, list[outputs.Tree], outputs.Berth])
@pytest.mark.parametrize("text", ["[" * 100_000, '{"value":' * 100_000, '"\\ud800"', "", "NaN", "\0"])
def test_no_text_raises_anything_else(wanted: Any, text: str) -> None:
    refused(wanted, text)


@pytest.mark.parametrize("status", [TurnStatus.interrupted, TurnStatus.completed])
def test_a_turn_without_a_final_response_says_how_it_ended(status: TurnStatus) -> None:
    error = refused(outputs.Berth, None, status=status)
    assert error.errors == ()
    assert str(error) == (
        f"There is no final response that could be a Berth: the turn's status is {status.value}."
    )


def test_the_error_keeps_what_it_has_when_it_is_copied_or_pickled() -> None:
    result = result_of("{}")
    with pytest.raises(OutputValidationError) as caught:
        output_type_of(outputs.Berth).read(result)
    for other in (copy.copy(caught.value), pickle.loads(pickle.dumps(caught.value))):  # noqa: S301
        assert (str(other), other.text, other.errors) == (str(caught.value), "{}", caught.value.errors)
        assert other.result == result
