"""Python functions as tools of the agent.

Exports only. `tools=` of the clients and of `thread_start()` takes functions, and what `tool` makes of them:

    >>> @tool
    ... def look_up(word: str, limit: int = 3) -> list[str]:
    ...     '''Look a word up in the dictionary.
    ...
    ...     Args:
    ...         word: The word.
    ...         limit: How many meanings at most.
    ...     '''
    ...     return ["a book"][:limit]
    >>> look_up.name, look_up.description
    ('look_up', 'Look a word up in the dictionary.')
"""

from ._content import Audio, Image
from ._context import ToolContext
from ._error import ToolError
from ._tool import DEFAULT_TIMEOUT_S, Tool, tool

__all__ = ["DEFAULT_TIMEOUT_S", "Audio", "Image", "Tool", "ToolContext", "ToolError", "tool"]
