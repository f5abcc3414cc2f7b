"""What is logged on one logger, and waiting for it."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any


class LogRecords(logging.Handler):
    """Keeps the records of one logger, in a block; its level is put back after that."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.logger = logging.getLogger(name)
        self.records: list[logging.LogRecord] = []
        self._changed = threading.Condition()
        #: What the thread that logs waits for at the first record.
        self.go_on = threading.Event()
        self.go_on.set()
        self.is_stuck = threading.Event()

    def __enter__(self) -> LogRecords:
        self._level = self.logger.level
        self.logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on.set()
        self.logger.setLevel(self._level)
        self.logger.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.is_stuck.set()
        self.go_on.wait(50)
        with self._changed:
            self.records.append(record)
            self._changed.notify_all()

    def until(self, reached: Callable[[list[str]], bool]) -> list[str]:
        """The messages, once they are as they should be."""
        deadline = time.monotonic() + 20
        with self._changed:
            while not reached(self.messages):
                assert self._changed.wait(deadline - time.monotonic()), self.messages
        return self.messages

    @property
    def messages(self) -> list[str]:
        return [record.getMessage() for record in self.records]

    @property
    def lines(self) -> list[tuple[str, dict[str, Any]]]:
        """Lines of the wire, with their direction."""
        found = []
        for message in self.messages:
            _, arrow, line = message.split(" ", 2)
            found.append((arrow, json.loads(line)))
        return found
