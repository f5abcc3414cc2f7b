"""`Tool`: a function that the agent may call, and `tool`, which makes one.

Owns what is said of a function: its name, its description, when it is looked at. A tool looks like its
function to the program: it is called like that, and bound to an object like a method.
"""

from __future__ import annotations

import functools
import inspect
import re
import sys
import weakref
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from types import FrameType, FunctionType, MethodType
from typing import Any, Generic, ParamSpec, SupportsIndex, TypeVar, overload

from .._concurrency import forks
from ..errors import InvalidInputError, InvalidInputTypeError
from . import _docstring, _shown
from ._signature import Signature, hints_of, source_of

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)

# Seconds that a call may take, if its tool says nothing.
DEFAULT_TIMEOUT_S = 300.0

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
# Tools of the runtime (0.163.0). One of the program's with such a name is accepted, and never called.
_TAKEN = frozenset(
    {
        *(
            "exec",
            "exec_command",
            "write_stdin",
            "wait",
            "apply_patch",
            "view_image",
            "get_goal",
            "update_goal",
        ),
        *("request_user_input", "list_mcp_resources", "tool_search"),
    }
)
# Around the making of signatures; and around what is known of functions, which takes no time.
_making = forks.reentrant_lock()
_knowing = forks.reentrant_lock()


class _Derived:
    """What is derived of a function, once: it takes milliseconds. It does not hold the function."""

    def __init__(self) -> None:
        self.hints: dict[str, Any] | None = None
        self._docstring: tuple[str, dict[str, str]] | None = None
        self._signature: Signature | None = None
        self._schema: dict[str, Any] | None = None

    def docstring_of(self, tool: Tool[..., Any]) -> tuple[str, dict[str, str]]:
        if self._docstring is None:
            self._docstring = _docstring.parsed(tool.function)
        return self._docstring

    def signature_of(self, tool: Tool[..., Any]) -> Signature:
        if self._signature is None:
            with _making:
                if self._signature is None:
                    said = self.docstring_of(tool)[1]
                    self._signature = Signature(tool.name, tool.function, self._resolved(tool), said)
        return self._signature

    def schema_of(self, tool: Tool[..., Any]) -> dict[str, Any]:
        if self._schema is None:
            self._schema = _shown.shown(self.signature_of(tool).schema)
        return self._schema

    def _resolved(self, tool: Tool[..., Any]) -> dict[str, Any]:
        if self.hints is None:
            try:
                self.hints = hints_of(tool.function, {})
            except Exception as error:
                raise InvalidInputError(
                    f"Tool {tool.name}: an annotation cannot be resolved where the function is defined: "
                    f"{error}. Import what it names outside of `if TYPE_CHECKING`, or define it before the "
                    "function."
                ) from None
        return self.hints


# Of functions that are given as they are, and of those that are given as methods.
_of_functions: weakref.WeakKeyDictionary[Any, _Derived] = weakref.WeakKeyDictionary()
_of_methods: weakref.WeakKeyDictionary[Any, _Derived] = weakref.WeakKeyDictionary()


class Tool(Generic[P, R_co]):
    """A function that the agent may call. `tool` makes one; `tools=` takes functions as well.

    Calling it calls the function. In a class, `thing.method` is the tool of that object.

    Args:
        function: A function or coroutine function. Its parameters are the tool's, but for a first one of
            type `ToolContext`. What is annotated is what the model is to give; without an annotation
            anything goes.
        name: The tool's name; by default the function's. ASCII letters, digits, `_` and `-`, 128 at most.
        description: What it does, for the model; by default what the docstring says.
        timeout_s: Seconds that a call may take; None for any time.

    Raises:
        InvalidInputError: The name is none that a tool may have, or a parameter has no name or type that the
            model could give. What the annotations are is looked at when the tool is used first, so that they
            may name what is defined further below.
        InvalidInputTypeError: An argument has the wrong type.

    Attributes:
        name: The tool's name.
        function: The function.
        timeout_s: Seconds that a call may take.

    Example:
        >>> def add(a: int, b: int = 1) -> int:
        ...     '''Add two numbers.'''
        ...     return a + b
        >>> Tool(add).input_schema["required"]
        ['a']
    """

    def __init__(
        self,
        function: Callable[P, R_co],
        *,
        name: str | None = None,
        description: str | None = None,
        timeout_s: float | None = DEFAULT_TIMEOUT_S,
        _local: Mapping[str, Any] | None = None,
    ) -> None:
        if isinstance(function, classmethod):
            raise InvalidInputTypeError("Put @tool below @classmethod, next to the function.")
        if not callable(function) or isinstance(function, type):
            what = "a class" if isinstance(function, type) else type(function).__name__
            raise InvalidInputTypeError(f"A tool is made of a function, not of {what}.")
        called = source_of(function)
        if inspect.isgeneratorfunction(called) or inspect.isasyncgenfunction(called):
            raise InvalidInputTypeError("A tool gives back one result: a generator function cannot be one.")
        # Made anew of a tool, it is one of its function.
        self.function: Callable[P, R_co] = function.function if isinstance(function, Tool) else function
        self.name = _checked_name(self.function if name is None else name)
        if description is not None and not isinstance(description, str):
            raise InvalidInputTypeError(f"description must be a str, not {type(description).__name__}.")
        self._description = description
        self.timeout_s = _checked_timeout(timeout_s)
        self._spec: dict[str, Any] | None = None
        self._derived = _Derived()
        # Of a method: what is derived of it as its objects have it.
        self._derived_of_bound = _Derived()
        with suppress(Exception):  # known later, perhaps
            hints = hints_of(self.function, _local or {})
            self._derived.hints = self._derived_of_bound.hints = hints
        functools.update_wrapper(self, source_of(self.function), updated=())

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        return self.function(*args, **kwargs)

    def __get__(self, instance: Any, owner: type | None = None) -> Tool[..., R_co]:
        bind: Any = getattr(self.function, "__get__", None)
        if instance is None or bind is None or isinstance(self.function, functools.partial):
            return self
        bound: Tool[..., R_co] = Tool.__new__(type(self))
        bound.__dict__.update(self.__dict__)
        bound.function = bind(instance, owner)
        bound._derived = self._derived_of_bound
        bound._spec = None
        return bound

    @property
    def description(self) -> str:
        """What it does, as the model reads it; with its schema if that is too large for the runtime."""
        return str(self.spec["description"])

    @property
    def input_schema(self) -> dict[str, Any]:
        """The JSON schema of its arguments, as it is sent."""
        schema: dict[str, Any] = self.spec["inputSchema"]
        return schema

    @property
    def signature(self) -> Signature:
        """Its parameters, looked at once.

        Raises:
            InvalidInputError: One of them cannot be a tool's.
        """
        return self._derived.signature_of(self)

    @property
    def spec(self) -> dict[str, Any]:
        """It as `dynamicTools` of thread/start has it."""
        # By hand: before Python 3.12 a cached property has one lock for all tools.
        if self._spec is None:
            self._spec = self._made_spec()
        return self._spec

    def _made_spec(self) -> dict[str, Any]:
        schema = self._derived.schema_of(self)
        said = self._derived.docstring_of(self)[0] if self._description is None else self._description
        return {
            "type": "function",
            "name": self.name,
            "description": _shown.said(said, schema),
            "inputSchema": schema,
        }

    def __repr__(self) -> str:
        return f"<Tool {self.name}>"

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        # In the place of its function nothing but the tool itself can be found, so it is pickled as that is.
        names = getattr(self, "__qualname__", "").split(".")
        found: Any = sys.modules.get(getattr(self, "__module__", ""))
        for name in names:
            found = getattr(found, name, None)
        return ".".join(names) if found is self else super().__reduce_ex__(protocol)


class _Decorator:
    """What `tool(…)` with arguments gives back."""

    def __init__(self, **options: Any) -> None:
        self._options = options

    def __call__(self, function: Callable[P, R_co]) -> Tool[P, R_co]:
        return self.of(function, _defining(2))

    def of(self, function: Callable[P, R_co], local: Mapping[str, Any] | None) -> Tool[P, R_co]:
        return Tool(function, _local=local, **self._options)


@overload
def tool(
    function: Callable[P, R_co],
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    timeout_s: float | None = DEFAULT_TIMEOUT_S,
) -> Tool[P, R_co]: ...
@overload
def tool(
    *, name: str | None = None, description: str | None = None, timeout_s: float | None = DEFAULT_TIMEOUT_S
) -> _Decorator: ...
def tool(
    function: Any = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    timeout_s: float | None = DEFAULT_TIMEOUT_S,
) -> Any:
    """Make a tool of a function: a decorator, with or without arguments.

    The name is the function's, the description that of its docstring. Each parameter is described by its
    annotation, by `Annotated[…, Field(description=…)]` and by the docstring; defaults, bounds and formats are
    said in the description, because the runtime does not show them to the model in another way.

    Args:
        function: The function.
        name: Another name.
        description: Another description.
        timeout_s: Seconds that a call may take; None for any time.

    Raises:
        InvalidInputError: The name is none that a tool may have.
        InvalidInputTypeError: An argument has the wrong type.

    Example:
        >>> @tool(name="weather", timeout_s=10)
        ... def weather_at(place: str) -> str:
        ...     '''Tell the weather at a place.'''
        ...     return "Rain."
        >>> weather_at("Leeds")
        'Rain.'
    """
    decorate = _Decorator(name=name, description=description, timeout_s=timeout_s)
    return decorate if function is None else decorate.of(function, _defining(2))


def as_tools(given: Any) -> dict[str, Tool[..., Any]]:
    """What `tools=` was given, by name.

    Raises:
        InvalidInputTypeError: It is no list of functions.
        InvalidInputError: A function cannot be a tool, or two have one name.
    """
    if given is None:
        return {}
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
        raise InvalidInputTypeError(f"tools must be a list of functions, not {type(given).__name__}.")
    tools: dict[str, Tool[..., Any]] = {}
    for each in given:
        made = _as_tool(each)
        if made.name in tools:
            raise InvalidInputError(f"Two tools have the name {made.name!r}.")
        made.spec  # noqa: B018 - so that what cannot be a tool is refused before anything is sent
        tools[made.name] = made
    refuse_alike(tools)
    return tools


def _as_tool(given: Any) -> Tool[..., Any]:
    if isinstance(given, Tool):
        return given
    if isinstance(given, MethodType) and isinstance(given.__func__, Tool):
        # Of a class method, since Python 3.13.
        return given.__func__.__get__(given.__self__)
    made = Tool(given)
    function = given.__func__ if isinstance(given, MethodType) else given
    if isinstance(function, FunctionType):
        known = _of_functions if function is given else _of_methods
        with _knowing:
            made._derived = known.setdefault(function, made._derived)
    return made


def refuse_alike(names: Iterable[str]) -> None:
    """Refuse names that certain models see as one: in JavaScript no name has a `-` or begins with a digit.

    Raises:
        InvalidInputError: Two are alike.
    """
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(_in_javascript(name), name)
        if other != name:
            raise InvalidInputError(f"The model would see the tools {other!r} and {name!r} under one name.")


def _in_javascript(name: str) -> str:
    """A name as certain models see it."""
    name = name.replace("-", "_")
    return f"_{name[1:]}" if name[0].isdigit() else name


def _checked_name(given: Any) -> str:
    if callable(given):
        source = given
        while isinstance(source, functools.partial):
            source = source.func
        given = getattr(source, "__name__", None) or type(source).__name__
    if not isinstance(given, str):
        raise InvalidInputTypeError(f"name must be a str, not {type(given).__name__}.")
    if not _NAME.fullmatch(given):
        raise InvalidInputError(
            f"A tool's name has 1 to 128 ASCII letters, digits, _ and -; {given!r} is none. Give one by "
            "tool(name=…)."
        )
    if _in_javascript(given) in _TAKEN:
        raise InvalidInputError(
            f"{given!r} is a tool of the runtime's own, which would be called in its stead. Give another "
            "name."
        )
    if given == "mcp" or given.startswith("mcp__"):
        raise InvalidInputError(f"{given!r} is a name for tools of MCP servers. Give another one.")
    return given


def _checked_timeout(given: Any) -> float | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise InvalidInputTypeError(
            f"timeout_s must be a number of seconds or None, not {type(given).__name__}."
        )
    if not given > 0:
        raise InvalidInputError(f"timeout_s must be more than 0, not {given}.")
    return float(given)


def _defining(depth: int) -> Mapping[str, Any] | None:
    """The names where a function is defined, if that is in another function, or in a class in one."""
    frame: FrameType | None = sys._getframe(depth)
    names: dict[str, Any] = {}
    while frame is not None and frame.f_locals is not frame.f_globals:
        names = {**frame.f_locals, **names}
        # The body of a class is run by what it stands in.
        frame = frame.f_back if "__qualname__" in frame.f_locals else None
    return names
