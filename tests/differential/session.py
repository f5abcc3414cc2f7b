"""One client of one package, and the notes that a scenario takes with it.

Owns how a scenario that is written once runs on four clients: what it calls may be awaitable or not. The
runtime is started behind `tee`, so that what the client writes is known.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import inspect
import json
import shlex
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai_codex

from codex_app_server._launch.command import resolve
from codex_app_server.testing import OfflineModel
from tests.differential.plain import error, plain


class Session:
    """What a scenario is given.

    Args:
        package: "openai_codex" or "codex_app_server".
        is_async: Whether its async client is used.
        model: The model that the runtime talks to.
        sent: Where to keep what the client writes.
    """

    def __init__(self, package: str, is_async: bool, model: OfflineModel, sent: Path) -> None:
        self.sdk: Any = importlib.import_module(package)
        self.types: Any = importlib.import_module(f"{package}.types")
        self.v2: Any = importlib.import_module(f"{package}.generated.v2_all")
        self.is_async = is_async
        self.model = model
        self.notes: list[Any] = []
        self.events_noted: list[Any] = []
        # Of the runtime, as `key=value`; for a scenario to set before it asks for a client.
        self.settings: tuple[str, ...] = ()
        self._package = package
        self._sent = sent

    @functools.cached_property
    def codex(self) -> Any:
        """The client. It is made when a scenario first asks for it."""
        return self.named("Codex")(self.config())

    def low_level(self, **options: Any) -> Any:
        """A low-level client, not started yet."""
        home, name = ("async_client", "AsyncCodexClient") if self.is_async else ("client", "CodexClient")
        return getattr(importlib.import_module(f"{self._package}.{home}"), name)(self.config(), **options)

    def named(self, name: str) -> Any:
        """A class of the package, the async twin if this is about that."""
        return getattr(self.sdk, f"Async{name}" if self.is_async else name)

    def config(self) -> Any:
        """The same configuration for either package."""
        ours = self.model.config(config_overrides=self.settings)
        runtime = f"tee {shlex.quote(str(self._sent))} | {shlex.join(resolve(ours).argv)}"
        fields = {
            each.name: getattr(ours, each.name) for each in dataclasses.fields(openai_codex.CodexConfig)
        }
        return self.sdk.CodexConfig(**{**fields, "launch_args_override": ("/bin/sh", "-c", runtime)})

    async def do(self, value: Any) -> Any:
        """What a call gives, awaited if need be."""
        return await value if inspect.isawaitable(value) else value

    async def events(self, stream: Any) -> AsyncIterator[Any]:
        """The events of either kind of stream."""
        if self.is_async:
            async for event in stream:
                yield event
        else:
            for event in stream:
                yield event

    def note(self, *values: Any) -> None:
        """Keep values for the comparison."""
        self.notes.append(plain(list(values)))

    def note_event(self, event: Any) -> None:
        """Keep an event: its method, the class of its payload, and the payload by the wire's names."""
        assert type(event).__name__ == "Notification"
        self.events_noted.append([event.method, plain(event.payload)])

    async def note_stream(self, turn: Any) -> None:
        """Keep every event of a turn."""
        async for event in self.events(turn.stream()):
            self.note_event(event)

    async def goal_events(self, client: Any, goal: Any) -> AsyncIterator[Any]:
        """The events of what `start_goal_operation` gave, as those of one turn.

        The official package has the fold for that, but offers it nowhere.
        """
        if hasattr(goal, "stream"):
            stream = goal.stream()
        else:
            home = importlib.import_module(f"{self._package}._goal")
            kind = home._AsyncGoalNotificationStream if self.is_async else home._GoalNotificationStream
            stream = kind(
                goal,
                lambda: client.next_goal_notification(goal),
                lambda: client.unregister_goal_operation(goal),
                lambda: client.cancel_goal_operation(goal),
            )
        async for event in self.events(stream):
            yield event

    @contextlib.asynccontextmanager
    async def noting_errors(self, what: str) -> AsyncIterator[None]:
        """Keep what is raised inside, or that nothing was."""
        try:
            yield
        except Exception as raised:
            self.notes.append([what, error(raised, self.sdk)])
        else:
            self.notes.append([what, "nothing raised"])

    async def run(self, scenario: Any) -> dict[str, Any]:
        """Run a scenario; everything that was noted and everything that was sent."""
        try:
            await scenario(self)
        finally:
            if "codex" in vars(self):
                await self.do(self.codex.close())
        lines = [json.loads(line) for line in self._sent.read_text("utf-8").splitlines()]
        return {
            "sent": [{name: line[name] for name in line if name != "id"} for line in lines],
            "asked of the model": [request.input for request in self.model.requests],
            "events": self.events_noted,
            "notes": self.notes,
        }
