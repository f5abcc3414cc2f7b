"""What a tool's docstring tells the model: of the tool, and of its parameters."""

from __future__ import annotations

import json
from typing import Annotated, Any

import pytest
from pydantic import Field

from codex_app_server.tools import Tool, tool


def plain(word: str, limit: int = 3) -> str:
    """Look a word up."""
    return f"{word} {limit}"


STYLES = {
    "Google": """Look a word up.

    In the large dictionary,
    if there is one.

    Args:
        word: The word.
        limit (int, optional): How many
            at most.

    Returns:
        Its meanings.
    """,
    "NumPy": """Look a word up.

    In the large dictionary,
    if there is one.

    Parameters
    ----------
    word : str
        The word.
    limit : int, optional
        How many
        at most.

    Returns
    -------
    list of str
        Its meanings.
    """,
    "Sphinx": """Look a word up.

    In the large dictionary,
    if there is one.

    :param str word: The word.
    :param limit: How many
        at most.
    :returns: Its meanings.
    """,
    "Epydoc": """Look a word up.

    In the large dictionary,
    if there is one.

    @param word: The word.
    @param limit: How many
        at most.
    @return: Its meanings.
    """,
}


RETURNS = {
    "Google": "Returns:\n    Its meanings.",
    "NumPy": "Returns\n-------\nlist of str\n    Its meanings.",
    "Sphinx": ":returns: Its meanings.",
    "Epydoc": "@return: Its meanings.",
}


def documented(text: str | None) -> Tool[..., Any]:
    def look_up(word: str, limit: int = 3) -> list[str]:
        return [word][:limit]

    look_up.__doc__ = text
    return Tool(look_up)


def described(made: Tool[..., Any]) -> dict[str, str | None]:
    """What is said of each parameter."""
    return {name: node.get("description") for name, node in made.input_schema["properties"].items()}


@pytest.mark.parametrize("style", STYLES)
def test_every_style_of_docstrings_describes_the_tool_and_its_parameters(style: str) -> None:
    made = documented(STYLES[style])
    beginning = "Look a word up.\n\nIn the large dictionary,\nif there is one.\n\n"
    assert made.description == beginning + RETURNS[style]
    assert described(made) == {"word": "The word.", "limit": "How many\nat most. Default: 3."}


@pytest.mark.parametrize(
    ("text", "description"),
    [
        (None, ""),
        ("   \n  ", ""),
        ("Look a word up.", "Look a word up."),
        ("Schlägt nach \U0001f600 `x`.", "Schlägt nach \U0001f600 `x`."),
        ("Look.\n\n    | a | b |\n\n    * one\n    * two: 2\n    ", "Look.\n\n| a | b |\n\n* one\n* two: 2"),
        ('Use it as {"a": 1}. Note: slow.', 'Use it as {"a": 1}. Note: slow.'),
    ],
)
def test_any_other_docstring_is_the_description(text: str | None, description: str) -> None:
    made = documented(text)
    assert made.description == description
    assert described(made) == {"word": None, "limit": "Default: 3."}


@pytest.mark.parametrize(
    "text",
    [
        "Look.\n\n    Args:\n        word The ESSENTIAL one.\n    ",
        "Look.\n\n    Note:\n        ESSENTIAL once a day only.\n\n    Args:\n        word: The word.\n    ",
        "Look.\n\n    Warning:\n        ESSENTIAL once a day only.\n    ",
        "Look.\n\n    Parameters\n    ----------\n    word, limit : int\n        ESSENTIAL for both.\n    ",
        "Look.\n\n    Notes\n    -----\n    ESSENTIAL.\n\n    Parameters\n    ----------\n    word\n    ",
        "\n    Args:\n        word: ESSENTIAL.\n    ",
        "Look.\n\n    Keyword Args:\n        word: ESSENTIAL.\n    ",
        "Look.\n\n    :param word: ESSENTIAL: with a colon.\n    ",
        "Look.\n\n    Args:\n        word: The word.\n\n    Note:\n        ESSENTIAL.\n    ",
        "Look.\n\n    Args:\n        word: The word.\n\n    ESSENTIAL.\n    ",
    ],
)
def test_nothing_that_a_docstring_says_is_lost(text: str) -> None:
    made = documented(text)
    assert "ESSENTIAL" in json.dumps(made.spec)


def test_a_docstring_of_arguments_alone_describes_them() -> None:
    made = documented("\n    Args:\n        word: The word.\n    ")
    assert described(made)["word"] == "The word."
    assert "Args" not in made.description


def test_a_description_of_its_own_takes_the_place_of_the_docstrings() -> None:
    made = tool(description="Look it up elsewhere.")(documented(STYLES["Google"]).function)
    assert made.description == "Look it up elsewhere."
    # Those of the parameters stay.
    assert described(made)["word"] == "The word."
    assert Tool(plain, description="").description == ""


def test_what_a_field_says_is_stronger_than_the_docstring() -> None:
    def look_up(
        word: Annotated[str, Field(description="By the field.")],
        other: str = Field(description="By the default."),
        third: str = "",
    ) -> None:
        """Look.

        Args:
            word: By the docstring.
            other: By the docstring.
            third: By the docstring.
        """

    assert described(Tool(look_up)) == {
        "word": "By the field.",
        "other": "By the default.",
        "third": 'By the docstring. Default: "".',
    }


class Base:
    def look_up(self, word: str) -> None:
        """Look a word up.

        Args:
            word: The word.
        """


class Derived(Base):
    def look_up(self, word: str) -> None: ...


def test_a_method_has_the_docstring_of_what_it_overrides() -> None:
    made = Tool(Derived().look_up)
    assert made.description == "Look a word up."
    assert described(made) == {"word": "The word."}


def test_a_docstring_describes_what_a_field_bounds() -> None:
    def look_up(word: str = Field(default="x", max_length=5)) -> None:
        """Look.

        Args:
            word: The word.
        """

    assert described(Tool(look_up)) == {"word": 'The word. Length: at most 5. Default: "x".'}


def test_a_callable_object_is_described_by_its_method_or_else_its_class() -> None:
    class Described:
        """The class."""

        def __call__(self) -> None:
            """The method."""

    class Silent:
        """The class."""

        def __call__(self) -> None: ...

    class Mute:
        def __call__(self) -> None: ...

    assert Tool(Described()).description == "The method."
    assert Tool(Silent()).description == "The class."
    assert Tool(Mute()).description == ""
