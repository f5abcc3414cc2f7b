"""What a function becomes as a tool: its name, its options, and how it is called. Without a runtime.

Docstrings, schemas, arguments and values have files of their own beside this one; calls of the real runtime
are in `tests/api`.
"""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
import math
import pickle
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from codex_app_server import InvalidInputError, InvalidInputTypeError
from codex_app_server.tools import DEFAULT_TIMEOUT_S, Tool, ToolContext, tool
from codex_app_server.tools._signature import WrongArgumentsError
from codex_app_server.tools._tool import as_tools


def plain(word: str, limit: int = 3) -> str:
    """Look a word up."""
    return f"{word} {limit}"


async def slow(word: str, limit: int = 3) -> str:
    """Look a word up."""
    return f"{word} {limit}"


def called(given: Callable[..., Any], arguments: Any = None, **named: Any) -> Any:
    """What a tool gives back for a call of the model's."""
    made = given if isinstance(given, Tool) else Tool(given)
    bound = made.signature.bind(named if arguments is None else arguments, None)
    return made.function(*bound.args, **bound.kwargs)


# --- names


@pytest.mark.parametrize("name", ["look_up", "look-up", "Look_Up2", "_", "x" * 128, "MCP", "mcp_x", "shell"])
def test_a_name_has_letters_digits_and_two_signs(name: str) -> None:
    assert Tool(plain, name=name).name == name
    assert Tool(plain, name=name).spec["name"] == name


@pytest.mark.parametrize(
    "name",
    ["", "x" * 129, "look up", "look.up", "ä", "look_up ", "look_up\n", "<lambda>", "a/b", "\U0001f600"],
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match="A tool's name has 1 to 128 ASCII letters") as caught:
        Tool(plain, name=name)
    assert repr(name) in str(caught.value)


BUILT_IN = ["exec", "exec_command", "write_stdin", "wait", "apply_patch", "view_image", "get_goal"]
BUILT_IN += ["update_goal", "request_user_input", "list_mcp_resources", "tool_search"]


@pytest.mark.parametrize("name", [*BUILT_IN, *(name.replace("_", "-") for name in BUILT_IN if "_" in name)])
def test_the_name_of_a_tool_of_the_runtimes_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match="tool of the runtime's own") as caught:
        Tool(plain, name=name)
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize("name", ["mcp", "mcp__x", "mcp__"])
def test_the_names_of_mcp_servers_are_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match="is a name for tools of MCP servers"):
        Tool(plain, name=name)


@pytest.mark.parametrize(
    ("one", "other"),
    [("a-b", "a_b"), ("a-", "a_"), ("a-b_c", "a_b-c"), ("1x", "2x"), ("1x", "_x"), ("-x", "1x")],
)
def test_names_that_the_model_would_see_as_one_are_refused(one: str, other: str) -> None:
    with pytest.raises(InvalidInputError, match="under one name") as caught:
        as_tools([Tool(plain, name=one), Tool(plain, name=other)])
    assert repr(one) in str(caught.value)
    assert repr(other) in str(caught.value)


def test_names_that_differ_in_case_or_length_are_two() -> None:
    names = ["a", "A", "a_", "a__b", "x1", "x2"]
    assert [*as_tools(Tool(plain, name=name) for name in names)] == names


def test_a_name_is_not_given_twice() -> None:
    with pytest.raises(InvalidInputError, match="Two tools have the name 'plain'"):
        as_tools([plain, tool(plain)])


# --- options


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"name": 5}, "name must be a str, not int"),
        ({"name": b"x"}, "name must be a str, not bytes"),
        ({"description": 5}, "description must be a str, not int"),
        ({"timeout_s": "5"}, "timeout_s must be a number of seconds or None, not str"),
        ({"timeout_s": True}, "timeout_s must be a number of seconds or None, not bool"),
        ({"timeout_s": timedelta(seconds=5)}, "timeout_s must be a number of seconds or None, not timedelta"),
    ],
)
def test_options_of_another_type_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInputTypeError, match=reason):
        Tool(plain, **options)
    with pytest.raises(InvalidInputTypeError, match=reason):
        tool(**options)(plain)


@pytest.mark.parametrize("seconds", [0, -1, -0.5, math.nan, -math.inf])
def test_a_time_that_is_over_at_once_is_refused(seconds: float) -> None:
    with pytest.raises(InvalidInputError, match="timeout_s must be more than 0"):
        Tool(plain, timeout_s=seconds)


def test_a_call_may_take_five_minutes_if_nothing_is_said() -> None:
    assert DEFAULT_TIMEOUT_S == 300
    assert tool(plain).timeout_s == 300
    assert tool(timeout_s=5)(plain).timeout_s == 5
    assert Tool(plain, timeout_s=None).timeout_s is None


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (str, "a class"),
        (BaseModel, "a class"),
        ("look_up", "str"),
        (None, "NoneType"),
        (7, "int"),
        ([], "list"),
    ],
)
def test_what_is_no_function_is_refused(given: Any, what: str) -> None:
    with pytest.raises(InvalidInputTypeError, match=f"A tool is made of a function, not of {what}"):
        Tool(given)
    with pytest.raises(InvalidInputTypeError, match=f"A tool is made of a function, not of {what}"):
        as_tools([given])


def test_a_tool_gives_back_one_result() -> None:
    def several() -> Iterator[int]:
        yield 1

    async def several_async() -> AsyncIterator[int]:
        yield 1

    for given in (several, several_async):
        with pytest.raises(InvalidInputTypeError, match="one result: a generator function cannot be one"):
            Tool(given)


@pytest.mark.parametrize("given", ["plain", b"plain", {"plain": plain}, 5, plain])
def test_what_is_no_list_is_refused(given: Any) -> None:
    with pytest.raises(InvalidInputTypeError, match="tools must be a list of functions, not "):
        as_tools(given)


@pytest.mark.parametrize("given", [None, (), [], iter(())])
def test_no_tools_are_none(given: Any) -> None:
    assert as_tools(given) == {}


# --- a tool is its function to the program


def test_a_tool_is_called_like_its_function() -> None:
    assert tool(plain)("codex") == "codex 3"
    assert tool(name="other")(plain)("codex", limit=1) == "codex 1"
    assert asyncio.run(tool(slow)("codex")) == "codex 3"


def test_a_tool_looks_like_its_function() -> None:
    made = tool(plain)
    assert (made.__name__, made.__doc__, made.__module__) == ("plain", "Look a word up.", __name__)  # type: ignore[attr-defined]
    assert inspect.signature(made) == inspect.signature(plain)
    assert repr(made) == "<Tool plain>"
    assert made.function is plain


# --- what can be a tool


@tool(name="look")
def looked_up(word: str) -> str:
    """Look a word up."""
    return word


class Shelf:
    @tool
    def find(self, word: str) -> str:
        """Find a word."""
        return word


def test_a_tool_is_pickled_and_copied_like_its_function() -> None:
    for made in (looked_up, Shelf.find):
        assert pickle.loads(pickle.dumps(made)) is made  # noqa: S301
        assert copy.copy(made) is copy.deepcopy(made) is made
    made = Tool(plain, timeout_s=3)
    same = pickle.loads(pickle.dumps(made))  # noqa: S301
    assert (same.function, same.timeout_s, same.spec) == (plain, 3, made.spec)


class Dictionary:
    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def method(self, word: str, limit: int = 3) -> str:
        """Look a word up."""
        return f"{self.prefix}{word} {limit}"

    @classmethod
    def of_class(cls, word: str, limit: int = 3) -> str:
        """Look a word up."""
        return f"{cls.__name__} {word} {limit}"

    @staticmethod
    def static(word: str, limit: int = 3) -> str:
        """Look a word up."""
        return f"{word} {limit}"

    @tool(name="renamed", description="Look a word up.", timeout_s=7)
    def tool_method(self, word: str, limit: int = 3) -> str:
        """Say something else."""
        return f"{self.prefix}{word} {limit}"

    @tool(name="renamed", timeout_s=7)
    @staticmethod
    def tool_static(word: str, limit: int = 3) -> str:
        """Look a word up."""
        return f"{word} {limit}"

    @staticmethod
    @tool(name="renamed", timeout_s=7)
    def static_tool(word: str, limit: int = 3) -> str:
        """Look a word up."""
        return f"{word} {limit}"

    @classmethod
    @tool(name="renamed", timeout_s=7)
    def tool_of_class(cls, word: str, limit: int = 3) -> str:
        """Look a word up."""
        return f"{cls.__name__} {word} {limit}"

    def __call__(self, word: str, limit: int = 3) -> str:
        """Look a word up."""
        return f"{self.prefix}{word} {limit}"


def repeated(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator as programs have them."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def positional(word: str, /, limit: int = 3) -> str:
    """Look a word up."""
    return f"{word} {limit}"


def keyword(*, word: str, limit: int = 3) -> str:
    """Look a word up."""
    return f"{word} {limit}"


def three(prefix: str, word: str, limit: int = 3) -> str:
    """Look a word up."""
    return f"{prefix}{word} {limit}"


HERE = Dictionary("")
KINDS: dict[str, tuple[Any, str, str]] = {
    "function": (plain, "plain", "codex 1"),
    "tool": (tool(plain), "plain", "codex 1"),
    "tool of a tool": (tool(name="other")(tool(plain)), "other", "codex 1"),
    "bound method": (Dictionary("a ").method, "method", "a codex 1"),
    "class method": (Dictionary.of_class, "of_class", "Dictionary codex 1"),
    "static method": (Dictionary.static, "static", "codex 1"),
    "tool in a class": (Dictionary("a ").tool_method, "renamed", "a codex 1"),
    "tool over a static method": (Dictionary.tool_static, "renamed", "codex 1"),
    "the same of an object": (HERE.tool_static, "renamed", "codex 1"),
    "static method over a tool": (Dictionary.static_tool, "renamed", "codex 1"),
    "class method over a tool": (Dictionary.tool_of_class, "renamed", "Dictionary codex 1"),
    "the same of an object, too": (HERE.tool_of_class, "renamed", "Dictionary codex 1"),
    "callable object": (HERE, "Dictionary", "codex 1"),
    "wrapped function": (repeated(plain), "plain", "codex 1"),
    "wrapped tool": (repeated(tool(plain)), "plain", "codex 1"),
    "cached function": (functools.lru_cache(plain), "plain", "codex 1"),
    "positional-only": (positional, "positional", "codex 1"),
    "keyword-only": (keyword, "keyword", "codex 1"),
    "partial by place": (functools.partial(three, "a "), "three", "a codex 1"),
    "partial of a tool": (functools.partial(tool(three), "a "), "three", "a codex 1"),
    "partial of a method": (functools.partial(Dictionary("a ").method), "method", "a codex 1"),
    "partial of a partial": (functools.partial(functools.partial(three, "a ")), "three", "a codex 1"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_can_be_called_is_a_tool(kind: str) -> None:
    given, name, value = KINDS[kind]
    made = as_tools([given])[name]
    assert made.description == "Look a word up."
    assert made.input_schema == {
        "type": "object",
        "properties": {
            "word": {"type": "string"},
            "limit": {"type": "integer", "description": "Default: 3."},
        },
        "required": ["word"],
        "additionalProperties": False,
    }
    assert called(made, word="codex", limit=1) == value
    assert called(made, word="codex") == value.replace("1", "3")


@pytest.mark.parametrize("kind", [kind for kind, (_, name, _) in KINDS.items() if name == "renamed"])
def test_a_tool_of_a_class_keeps_its_options(kind: str) -> None:
    given, name, _ = KINDS[kind]
    # From Python 3.13 on, a class method is bound around its tool.
    made = as_tools([given])[name]
    assert (made.name, made.timeout_s) == (name, 7)


def test_a_partial_shows_what_it_has_not_given() -> None:
    made = Tool(functools.partial(three, "a ", limit=5))
    assert made.input_schema["required"] == ["word"]
    # What is bound is not the model's to change, and perhaps a secret.
    assert "limit" not in made.input_schema["properties"]
    assert "5" not in str(made.spec)
    assert called(made, word="codex") == "a codex 5"
    with pytest.raises(WrongArgumentsError, match="limit"):
        called(made, word="codex", limit=1)


def test_tools_of_two_objects_are_two() -> None:
    first, second = Dictionary("1 ").tool_method, Dictionary("2 ").tool_method
    assert (called(first, word="x"), called(second, word="x")) == ("1 x 3", "2 x 3")
    assert (first("x"), second("y")) == ("1 x 3", "2 y 3")


def test_a_class_holds_tools_of_any_kind() -> None:
    class Toolbox:
        by_object = Tool(HERE, name="by_object")
        by_partial = Tool(functools.partial(plain, limit=1), name="by_partial")
        by_builtin = Tool(len, name="by_builtin")

    # None of these is bound to an object when it stands in a class by itself.
    assert Toolbox().by_object("x") == "x 3"
    assert Toolbox().by_partial("x") == "x 1"
    assert Toolbox().by_builtin("xyz") == 3
    assert [made.name for made in (Toolbox().by_object, Toolbox().by_partial)] == ["by_object", "by_partial"]


def test_a_builtin_function_is_a_tool_if_its_parameters_have_names() -> None:
    made = Tool(len)
    assert made.description == "Return the number of items in a container."
    assert called(made, obj=[1, 2]) == 2


# --- parameters that are refused


def by_places(*words: str) -> None: ...
def by_names(**words: str) -> None: ...
def late_context(word: str, context: ToolContext) -> None: ...
def two_contexts(context: ToolContext, other: ToolContext[Any]) -> None: ...
def a_function(work: Callable[[], int]) -> None: ...
def an_object(path: str, thing: Dictionary) -> None: ...
def unknown(word: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (by_places, r"Tool by_places: the parameter words has no name for its values\. Make it a list\."),
        (
            by_names,
            r"Tool by_names: the parameter words has no names that the model could know\. Make it a dict",
        ),
        (late_context, r"Tool late_context: the parameter context must be the first one\."),
        (two_contexts, r"Tool two_contexts: the parameter other must be the first one\."),
        (a_function, r"Tool a_function: the parameter work has a type that the model cannot give: "),
        (
            an_object,
            r"Tool an_object: the parameter thing has a type that the model cannot give: .*Dictionary",
        ),
        (
            unknown,
            r"Tool unknown: an annotation cannot be resolved .*'Nowhere'.* `if TYPE_CHECKING`",
        ),
        (Dictionary.method, r"Tool method is a method without its object\. .*tools=\[thing\.method\]"),
        (Dictionary.tool_method, r"Tool renamed is a method without its object"),
        (max, r"Tool max: no signature found .*\. Wrap it in a function of your own\."),
    ],
)
def test_a_parameter_that_no_model_can_give_is_refused(given: Any, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason) as caught:
        as_tools([given])
    assert "\n" not in str(caught.value)


def test_a_function_is_looked_at_when_it_is_used_and_not_before() -> None:
    made = tool(unknown)
    assert made.name == "unknown"
    with pytest.raises(InvalidInputError, match="Nowhere"):
        made.description  # noqa: B018


@pytest.mark.parametrize("annotation", ["list[", "math.nothing", "int +"])
def test_an_annotation_that_is_none_is_refused_in_words(annotation: str) -> None:
    def look_up(word: str) -> None: ...

    look_up.__annotations__["word"] = annotation
    made = tool(look_up)  # what it names may be there later
    with pytest.raises(InvalidInputError, match=r"Tool look_up: .*annotation"):
        made.spec  # noqa: B018


# --- annotations that are texts


def test_a_name_may_be_defined_after_the_function() -> None:
    @tool
    def look_up(word: Later) -> None: ...

    assert look_up.input_schema["$defs"]["Later"]["required"] == ["text"]


class Later(BaseModel):
    text: str


def local_tools() -> dict[str, Callable[..., Any]]:
    """Functions whose annotations name what only this function knows."""

    class Word(BaseModel):
        text: str

    @tool
    def bare(word: Word) -> str:
        return word.text

    @tool(name="called")
    def with_options(word: Word) -> str:
        return word.text

    def closed(word: Word) -> str:
        return Word.model_validate(word).text

    class Shelf:
        @tool
        def bare(self, word: Word) -> str:
            return word.text

        @tool(name="called")
        def with_options(self, word: Word) -> str:
            return word.text

    return {
        "tool": bare,
        "tool with options": with_options,
        "closure": closed,
        "wrapped closure": repeated(closed),
        "method": Shelf().bare,
        "method with options": Shelf().with_options,
    }


@pytest.mark.parametrize("kind", local_tools())
def test_what_is_local_to_a_function_is_known_to_its_tools(kind: str) -> None:
    assert called(local_tools()[kind], word={"text": "codex"}) == "codex"


@pytest.mark.parametrize("kind", local_tools())
def test_a_local_name_is_stronger_than_one_of_the_module(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "Word", int)
    assert called(local_tools()[kind], word={"text": "codex"}) == "codex"
