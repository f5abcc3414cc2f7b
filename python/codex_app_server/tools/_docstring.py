"""What a function's docstring says: of the function, and of its parameters."""

from __future__ import annotations

import functools
import inspect
import re
from typing import Any

_PARAMETERS = r"(?:Args|Arguments|Params|Parameters|Keyword Args|Keyword Arguments|Other Parameters)"
# A section about parameters in the style of Google: its title, and what is indented below it.
_GOOGLE = re.compile(rf"^{_PARAMETERS}:[ \t]*\n(?:[ \t]+\S.*(?:\n|$)|[ \t]*\n)*", re.MULTILINE)
# In that of NumPy: up to the next title.
_NUMPY = re.compile(
    rf"^{_PARAMETERS}[ \t]*\n-{{3,}}[ \t]*\n(?:(?!.*\n-{{3,}}[ \t]*$).*(?:\n|$))*", re.MULTILINE
)
# In those of Sphinx and Epydoc: a field, and what is indented below it.
_FIELD = re.compile(
    r"^[:@](?:param|parameter|arg|argument|key|keyword|type)\b.*(?:\n[ \t]+\S.*)*\n?", re.MULTILINE
)


def parsed(function: Any) -> tuple[str, dict[str, str]]:
    """The description, and what is said of each parameter.

    The styles of Google, NumPy, Sphinx and Epydoc are understood. All that is said of no parameter is
    description.
    """
    text = _text_of(function)
    if re.match(rf"{_PARAMETERS}:\n\S", text):
        # What belongs to the first line of a docstring loses its indent with it.
        text = text.replace("\n", "\n    ")
    # Each section by itself, by the one name for it that the parser knows.
    sections = [re.sub(rf"^{_PARAMETERS}:", "Args:", found[0]) for found in _GOOGLE.finditer(text)]
    parameters: dict[str, str] = {}
    for part in (*sections, text):
        parameters = {**_parameters(part), **parameters}
    description = text
    for section in (_GOOGLE, _NUMPY, _FIELD) if parameters else ():
        description = section.sub("", description)
    return re.sub(r"\n{3,}", "\n\n", description).strip(), parameters


def _parameters(text: str) -> dict[str, str]:
    from docstring_parser import ParseError, parse

    try:
        # Behind a title, without which a section that comes first is taken for one.
        found = parse(f"Title.\n\n{text}").params
    except ParseError:
        return {}
    return {
        name.strip().lstrip("*"): each.description.strip()
        for each in found
        if each.description
        for name in each.arg_name.split(",")
    }


def _text_of(function: Any) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    if inspect.isroutine(function):
        return inspect.getdoc(function) or ""
    # An object that is called: what it inherits tells nothing.
    return inspect.cleandoc(type(function).__call__.__doc__ or type(function).__doc__ or "")
