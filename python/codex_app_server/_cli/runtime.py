"""The checks that talk to a runtime: that it is found, starts, reads its configuration, who is logged in, and
its version.

Owns what one check needs of another: the program, the client while it is open, the version. Called by
`doctor`, which ends what was started.
"""

from __future__ import annotations

import re
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from .._launch.command import raise_spawn_error, resolve
from .._launch.config import CodexConfig
from .._launch.runtime_version import MADE_FOR, mismatch, parse
from .._launch.search import is_command
from .._text.exit_codes import exit_code_text
from ..errors import CodexError, JsonRpcError, NotStartedError
from . import command, schema
from .login import describe, is_missing
from .report import Finding, Status

if TYPE_CHECKING:
    from .._sync.client import Codex

_LOG_IN = "python -m codex_app_server login"
# What Codex says on --version: its name, as `codex-cli`, and its version.
_CODEX = re.compile(r"codex\S*\s+(\S+)")
# Of the name of a program that is no Codex; more does not help to recognize it.
_LONGEST_NAME = 80


class Patient:
    """The runtime that is examined.

    Args:
        codex_bin: Which one, as `CodexConfig.codex_bin`.
        timeout_s: How long it may take for one thing, in seconds.
    """

    def __init__(self, codex_bin: str | None, timeout_s: float) -> None:
        self._codex_bin = codex_bin
        self._timeout_s = timeout_s
        self._program: str | None = None
        self._codex: Codex | None = None
        self._version: str | None = None

    @property
    def is_started(self) -> bool:
        """Whether a client could be made of it."""
        return self._codex is not None

    def find(self) -> Finding:
        """Where it is, why that one, and what it calls itself without being started."""
        source = _source(self._codex_bin)
        data: dict[str, Any] = {"path": None, "from": source, "version": None}
        try:
            launch = resolve(CodexConfig(codex_bin=self._codex_bin))
            data["path"] = program = launch.program
            try:
                done = command.run([program, "--version"], self._timeout_s)
            except OSError as error:
                raise_spawn_error(launch, error)
        except CodexError as error:
            return Finding(Status.failed, str(error), data=data)
        self._program = program
        name = done.stdout.partition("\n")[0].strip()
        if done.stopped is not None:
            why = f"{done.stopped} on --version"
        elif done.exit_code:
            why = f"fails on --version ({exit_code_text(done.exit_code)}): {done.stderr or done.stdout}"
        elif (version := _CODEX.match(name)) is None:
            why = (
                f"calls itself {name[:_LONGEST_NAME]!r} on --version" if name else "says nothing on --version"
            )
        else:
            self._version = data["version"] = version[1]
            return Finding(Status.ok, f"{name}, {source}: {program}", data=data)
        return Finding(Status.warning, f"{program} ({source}) {why}", "check that it is Codex", data)

    def start(self, session: ExitStack) -> Finding:
        """Start it as a client does; it runs until `session` ends."""
        from .._sync.client import Codex

        config = CodexConfig(
            codex_bin=self._codex_bin,
            startup_timeout_s=self._timeout_s,
            request_timeout_s=self._timeout_s,
        )
        begun = time.perf_counter()
        codex = session.enter_context(Codex(config))
        ready_ms = (time.perf_counter() - begun) * 1000
        self._codex = codex
        server = codex.metadata.serverInfo
        self._version = server.version.split()[0] if server is not None and server.version else self._version
        data = {"ready_ms": round(ready_ms, 1), "home": codex.metadata.codexHome}
        return Finding(Status.ok, f"ready after {ready_ms:.0f} ms", data=data)

    def configuration(self) -> Finding:
        """Whether the runtime can read its configuration, which it does not do before it is asked."""
        codex = self._started()
        data: dict[str, Any] = {"model": None, "model_provider": None}
        try:
            answer = codex.request("config/read", {})
        except JsonRpcError as error:
            fix = f"correct the configuration, as a rule {codex.metadata.codexHome}/config.toml"
            return Finding(Status.failed, error.message.strip(), fix, data)
        config = answer.get("config") or {}
        data = {key: config.get(key) for key in data}
        model, provider = (value or "by default" for value in data.values())
        return Finding(Status.ok, f"the runtime reads it: model {model}, provider {provider}", data=data)

    def login(self) -> Finding:
        """Who is logged in: how, and never with what."""
        answer = self._started().account()
        kind = None if answer.account is None else getattr(answer.account.root, "type", None)
        data = {"account": kind, "needed": answer.requires_openai_auth}
        told = describe(answer, in_private=False)
        if is_missing(answer):
            return Finding(Status.warning, told, _LOG_IN, data)
        return Finding(Status.ok, told, data=data)

    def schema(self) -> Finding:
        """Whether its protocol is the one that this package is made for."""
        if self._program is None:
            raise NotStartedError("There is no runtime.")
        return schema.compare(self._program, self._timeout_s)

    def versions(self) -> Finding:
        """Whether it is the version that this package is made for."""
        data = {"runtime": self._version, "made_for": MADE_FOR}
        if not self._version:
            return Finding(Status.skipped, "the runtime does not say what version it is", data=data)
        version = parse(self._version)
        if version is None:
            detail = f"the runtime calls itself {self._version}, which tells nothing; expected is {MADE_FOR}"
            return Finding(Status.warning, detail, data=data)
        if version.is_from_source:
            return Finding(Status.ok, f"{self._version}: built from source, and not compared", data=data)
        difference = mismatch(self._version)
        if difference is not None:
            return Finding(Status.warning, difference, data=data)
        return Finding(Status.ok, f"the runtime is {self._version}, as it should be", data=data)

    def _started(self) -> Codex:
        if self._codex is None:
            raise NotStartedError("The runtime is not started.")
        return self._codex


def _source(codex_bin: str | None) -> str:
    if codex_bin is None:
        return "packaged"
    return f"{codex_bin} on PATH" if is_command(codex_bin) else "chosen by its path"
