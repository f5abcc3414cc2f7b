"""What only the threads' low-level client has to refuse."""

from __future__ import annotations

from typing import Any

import pytest

from codex_app_server import InvalidInputTypeError
from codex_app_server.client import CodexClient


def test_a_coroutine_function_is_no_handler_for_threads() -> None:
    async def handler(method: str, params: Any) -> Any:
        return {"decision": "accept"}

    class CalledLikeOne:
        async def __call__(self, method: str, params: Any) -> Any:
            return {"decision": "accept"}

    for wrong in (handler, CalledLikeOne()):
        with pytest.raises(InvalidInputTypeError, match="asyncio"):
            CodexClient(approval_handler=wrong)  # type: ignore[arg-type]
