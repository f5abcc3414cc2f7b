"""`OfflineModel`: the context manager that a test or a demonstration uses.

It owns the server's process (`Control`) and the runtime's private directory (`PrivateHome`) and is the only
public way to them. It never starts a runtime: it hands out the configuration for one.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from types import TracebackType
from typing import Any

from codex_app_server._launch.config import CodexConfig

from ._checks import require, require_count, require_delay
from ._control import Control
from ._home import PrivateHome
from .errors import OfflineModelError
from .requests import ModelRequest
from .script import Playbook, Responder, Script, playbook_for

_START_TIMEOUT_S = 60.0
_STOP_GRACE_S = 5.0
_SLOW_START = f"The offline model's server did not start within {_START_TIMEOUT_S:g} s"


class OfflineModel:
    """A model on this machine that says what a script tells it to, for the real runtime to talk to.

    Entering the context (`with` or `async with`) starts a server on 127.0.0.1, in a process of its own, and
    makes a private, temporary home for the runtime. Leaving it removes both; close the client first.

    Args:
        script: What to answer.

            - `None`: echo the prompt.
            - A `str` or an `Answer`: the same to every request.
            - A sequence of them: one per request, in order; one request too many fails its turn.
            - A mapping from prompts (`str`, equal) or patterns (`re.Pattern`, searched) to any of these; a
              prompt that none fits fails its turn.
            - A function that takes a `ModelRequest` and returns a `str`, an `Answer`, or `None` to echo. It
              runs in this process, on a thread of the model's, one request at a time; what it raises is
              logged and fails the turn.

    Raises:
        ImportError: aiohttp is not installed.
        TypeError: The script is of none of these kinds.
        ValueError: The script could not work, e.g. an answer that calls a tool and is repeated for ever.

    Example:
        >>> from codex_app_server import Codex
        >>> with OfflineModel({"What is 6 x 7?": "It is 42."}) as model:
        ...     with Codex(model.config()) as codex:
        ...         codex.thread_start().run("What is 6 x 7?").final_response
        'It is 42.'
    """

    def __init__(self, script: Script = None) -> None:
        if importlib.util.find_spec("aiohttp") is None:
            raise ImportError('The offline model needs aiohttp: pip install "codex-app-server-sdk[testing]"')
        self._script = playbook_for(script)
        self._control: Control | None = None
        self._home: PrivateHome | None = None
        self._recorded: list[ModelRequest] = []
        self._recording = threading.Lock()
        self._base_url = ""

    def __repr__(self) -> str:
        # It may be half-made, or starting.
        is_running = getattr(self, "_control", None) is not None
        state = (self._base_url or "starting") if is_running else "not running"
        return f"<{type(self).__name__} {state}>"

    def __reduce_ex__(self, protocol: object) -> Any:
        raise TypeError(
            f"{type(self).__name__} cannot be copied or pickled: it owns a server's process. Make another "
            "one, or give other processes the configuration that config() returns."
        )

    def __enter__(self) -> OfflineModel:
        control = self._begin()
        try:
            self._settle(control, control.ready.result(_START_TIMEOUT_S))
            self._install(self._script).result()
        except FutureTimeoutError:
            self.close()
            raise OfflineModelError(_SLOW_START) from None
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> OfflineModel:
        control = self._begin()
        try:
            port = await asyncio.wait_for(asyncio.wrap_future(control.ready), _START_TIMEOUT_S)
            self._settle(control, port)
            await asyncio.wrap_future(self._install(self._script))
        except asyncio.TimeoutError:
            self.close()
            raise OfflineModelError(_SLOW_START) from None
        except BaseException:
            self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The server ends in milliseconds; a close that a cancellation could cut in two would leave a process.
        self.close()

    def close(self) -> None:
        """End the server and remove the private home; harmless when called again.

        Raises:
            OfflineModelError: The home is still in use (a client is still open), or the responder does not
                return.
        """
        control, self._control = self._control, None
        home, self._home = self._home, None
        try:
            if control is not None:
                control.stop()
                try:
                    control.ended.result(_STOP_GRACE_S)
                except FutureTimeoutError:
                    control.kill()
                    control.ended.result()
                control.join()
        finally:
            if home is not None:
                try:
                    home.remove()
                except OSError as error:
                    raise OfflineModelError(
                        f"The offline model's home is still in use; close the client first ({error})"
                    ) from error

    def config(
        self,
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        **fields: Any,
    ) -> CodexConfig:
        """A configuration that makes the packaged runtime talk to this model, in its private home.

        Args:
            env: Environment variables to add; they win over `OfflineModel.env`.
            cwd: The runtime's working directory; by default the private `workspace`.
            **fields: Further fields of `CodexConfig`, e.g. `config_overrides`.

        Raises:
            OfflineModelError: The model is not running.
            TypeError: `CodexConfig` has no such field.
        """
        from codex_app_server._launch.config import CodexConfig

        return CodexConfig(
            env={**self.env, **(env or {})}, cwd=str(self.workspace) if cwd is None else cwd, **fields
        )

    @property
    def env(self) -> dict[str, str]:
        """The environment variables that `config()` gives the runtime; for starting it in another way."""
        return self._running()[1].env

    @property
    def workspace(self) -> Path:
        """A private, empty directory: the runtime's working directory unless told otherwise."""
        return self._running()[1].workspace

    @property
    def codex_home(self) -> Path:
        """The runtime's private home (`CODEX_HOME`), with its `config.toml`."""
        return self._running()[1].codex_home

    @property
    def base_url(self) -> str:
        """The provider's address, `http://127.0.0.1:<port>/v1`."""
        self._running()
        return self._base_url

    @property
    def requests(self) -> list[ModelRequest]:
        """Every model request since the start or the last `reset()`, in order of arrival."""
        control, _ = self._running()
        # Only what is new is fetched: a body has some 50 kB. Two readers that ask from the same length would
        # both add the same.
        with self._recording:
            self._recorded += control.call("requests", len(self._recorded)).result()
            return list(self._recorded)

    def wait_for_requests(self, count: int, timeout_s: float = 30.0) -> None:
        """Wait until `count` requests have arrived since the start or the last `reset()`.

        Args:
            count: How many.
            timeout_s: Seconds to wait at most.

        Raises:
            MissingRequestsError: Fewer arrived in time; it is also a `TimeoutError`.
        """
        self._waiting("wait_for_requests", count, timeout_s).result()

    async def wait_for_requests_async(self, count: int, timeout_s: float = 30.0) -> None:
        """Async form of `wait_for_requests`."""
        await asyncio.wrap_future(self._waiting("wait_for_requests", count, timeout_s))

    @property
    def aborted(self) -> list[int]:
        """The numbers of the requests on which the runtime has hung up before their answer was complete, in
        the order in which it did. So it does when their turn is interrupted, and a model on the network then
        stops to write.
        """
        numbers: list[int] = self._running()[0].call("aborted").result()
        return numbers

    def wait_for_aborts(self, count: int, timeout_s: float = 30.0) -> None:
        """Wait until the runtime has hung up on `count` requests since the start or the last `reset()`.

        Args:
            count: How many.
            timeout_s: Seconds to wait at most.

        Raises:
            MissingRequestsError: They were fewer in time; it is also a `TimeoutError`.
        """
        self._waiting("wait_for_aborts", count, timeout_s).result()

    async def wait_for_aborts_async(self, count: int, timeout_s: float = 30.0) -> None:
        """Async form of `wait_for_aborts`."""
        await asyncio.wrap_future(self._waiting("wait_for_aborts", count, timeout_s))

    def hold(self) -> None:
        """Hold back every answer to a request that arrives from now on, until `release()`.

        A held request is recorded, and a list's answers are given out, at arrival; a responder is asked when
        the request is released.
        """
        self._running()[0].call("hold").result()

    def release(self, *, prompt: str | None = None, count: int | None = None) -> int:
        """Let held and stalled answers go on, in order of arrival.

        Without arguments everything goes, and later requests are not held. With `prompt` only the requests
        with this prompt go, with `count` only the first so many; the rest stays, and so does `hold()`.

        Returns:
            How many went.

        Raises:
            OfflineModelError: Not that many wait, for example because the requests have not arrived yet.
        """
        if prompt is not None:
            require(prompt, str, "prompt")
        if count is not None:
            require_count(count, "count")
        released: int = self._running()[0].call("release", prompt, count).result()
        return released

    def reset(self, script: Script = None) -> None:
        """Start anew with another script: requests are forgotten, held answers go, numbers begin at 1.

        Lets many tests share one model (and one runtime), each with its own script.

        Raises:
            TypeError: As the constructor.
            ValueError: As the constructor.
        """
        made = playbook_for(script)
        with self._recording:
            self._install(made).result()
            self._recorded.clear()

    def _begin(self) -> Control:
        if self._control is not None:
            raise OfflineModelError("The offline model is running already; make another one")
        self._control = Control()
        return self._control

    def _settle(self, control: Control, port: int) -> None:
        self._base_url = f"http://127.0.0.1:{port}/v1"
        self._home = PrivateHome(self._base_url)
        control.bequeath(self._home.legacy)
        self._recorded.clear()

    def _install(self, made: Playbook | Responder) -> Future[None]:
        control, _ = self._running()
        playbook = made if isinstance(made, Playbook) else None
        control.responder = None if isinstance(made, Playbook) else made
        return control.call("reset", playbook)

    def _waiting(self, what: str, count: int, timeout_s: float) -> Future[None]:
        require_count(count, "count")
        require_delay(timeout_s, "timeout_s")
        return self._running()[0].call(what, count, timeout_s)

    def _running(self) -> tuple[Control, PrivateHome]:
        if self._control is None or self._home is None:
            raise OfflineModelError(
                "The offline model is not running; use it inside `with OfflineModel(...) as model:`"
            )
        return self._control, self._home
