"""A bare client of the runtime, for what the public API has no parameter for: one line out, lines in."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from codex_cli_bin import bundled_codex_path

from codex_app_server.testing import OfflineModel


class Wire:
    """A runtime started with the model's environment and initialised; a context manager."""

    def __init__(self, model: OfflineModel) -> None:
        self._runtime = subprocess.Popen(
            [str(bundled_codex_path()), "app-server", "--listen", "stdio://"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **model.env},
            cwd=model.workspace,
            text=True,
            encoding="utf-8",
        )
        self._ids = 0
        client = {"name": "tests", "version": "1"}
        self.call("initialize", {"clientInfo": client, "capabilities": {"experimentalApi": True}})

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._runtime:
            assert self._runtime.stdin is not None
            self._runtime.stdin.close()

    def send(self, message: dict[str, Any]) -> None:
        assert self._runtime.stdin is not None
        self._runtime.stdin.write(json.dumps(message) + "\n")
        self._runtime.stdin.flush()

    def messages(self) -> Iterator[dict[str, Any]]:
        assert self._runtime.stdout is not None
        for line in self._runtime.stdout:
            yield json.loads(line)

    def call(self, method: str, params: dict[str, Any]) -> Any:
        """The result; notifications that come before it are passed over."""
        answer = self.answer(method, params)
        assert "result" in answer, answer
        return answer["result"]

    def refusal(self, method: str, params: dict[str, Any]) -> str:
        """What the runtime says against a request; empty where it has taken it."""
        message: str = self.answer(method, params).get("error", {}).get("message", "")
        return message

    def answer(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """The answer as a whole, with its result or its error."""
        self._ids += 1
        self.send({"id": self._ids, "method": method, "params": params})
        for message in self.messages():
            if message.get("id") == self._ids and "method" not in message:
                return message
        raise AssertionError("the runtime ended")
