"""Where the two packages are known to differ, each point as one short program.

Runs as a process, `python -m tests.differential.probes openai_codex`, and prints one line of JSON per probe:
what it came to, or that it hangs. The runtime is a scripted peer, so that what the real one does rarely
happens on demand.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import pickle
import queue
import shlex
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.peer import ScriptedPeer, event, started

# The official package gets less, because there some never end.
PATIENCE_S = {"openai_codex": 3.0, "codex_app_server": 10.0}

UNANSWERED = "hangs"
TURN = {"id": "u", "items": [], "status": "completed"}


class Probe:
    """What a probe is given: a package, and a runtime that does as it is told."""

    def __init__(self, package: str, peer: ScriptedPeer) -> None:
        self.sdk: Any = importlib.import_module(package)
        self.v2: Any = importlib.import_module(f"{package}.generated.v2_all")
        self.client_module: Any = importlib.import_module(f"{package}.client")
        self.errors: Any = importlib.import_module(f"{package}.errors")
        self.peer = peer
        self._clients: list[Any] = []

    def config(self, **fields: Any) -> Any:
        return self.sdk.CodexConfig(launch_args_override=self.peer.argv, **fields)

    def codex(self, **fields: Any) -> Any:
        # Never closed: closing one that hangs would hang as well. It goes with this process.
        self._clients.append(self.sdk.Codex(self.config(**fields)))
        return self._clients[-1]

    def client(self, handler: Any) -> Any:
        """A low-level client that was greeted, with a handler for what the runtime asks."""
        client = self.client_module.CodexClient(self.config(), approval_handler=handler)
        self._clients.append(client)
        client.start()
        client.initialize()
        return client

    def turn(self, codex: Any) -> Any:
        """A running turn."""
        self.peer.answers["turn/start"] = started("u")
        return self.sdk.Thread(codex._client, "t").turn("Hi.")

    def completes(self, **turn: Any) -> None:
        """The runtime says that the turn is over."""
        self.peer.send(event("turn/completed", "t", "u", **turn))


def next_message(peer: ScriptedPeer, timeout_s: float) -> dict[str, Any] | None:
    """What the client says within this time."""
    with contextlib.suppress(queue.Empty):
        return peer._received.get(timeout=timeout_s)
    return None


def raised(call: Callable[[], Any]) -> list[str]:
    """The classes of what a call raises that programs may catch, the most special one first."""
    try:
        call()
    except Exception as error:
        return [kind.__name__ for kind in type(error).__mro__ if not kind.__name__.startswith("_")][:-3]
    return []


def approvals(p: Probe) -> Any:
    p.codex()
    params = {"threadId": "t", "turnId": "u", "itemId": "i", "command": "rm -rf /", "startedAtMs": 1}
    answers = []
    for number, method in enumerate(("commandExecution", "fileChange")):
        p.peer.send({"id": number, "method": f"item/{method}/requestApproval", "params": params})
        answers.append(p.peer.expect()["result"])
    return answers


def _during_a_request(p: Probe, client: Any, happens: Callable[[], Any]) -> list[str]:
    """What a request raises while whose answer is on its way something happens."""
    found: list[Any] = []
    caller = threading.Thread(target=lambda: found.append(raised(client.model_list)), daemon=True)
    caller.start()
    # In this order, because a request that is made afterwards hangs officially.
    request = p.peer.expect("model/list")
    happens()
    p.peer.answer(request, {"data": [], "nextCursor": None})
    caller.join()
    return list(found[0])


def _asks(p: Probe) -> None:
    params = {"threadId": "t", "turnId": "u", "itemId": "i", "command": "ls", "startedAtMs": 1}
    p.peer.send({"id": 0, "method": "item/commandExecution/requestApproval", "params": params})


def failing_handlers(p: Probe) -> Any:
    def handler(method: str, params: Any) -> Any:
        raise LookupError("no idea")

    return _during_a_request(p, p.client(handler), lambda: _asks(p))


def calling_handlers(p: Probe) -> Any:
    def handler(method: str, params: Any) -> Any:
        clients[0].model_list()
        return {"decision": "accept"}

    p.peer.answers["model/list"] = {"data": [], "nextCursor": None}
    clients = [p.client(handler)]
    _asks(p)
    return p.peer.expect()["result"]["decision"]


def failed_turns(p: Probe) -> Any:
    turn = p.turn(p.codex())
    error = {"message": "Too long.", "codexErrorInfo": "contextWindowExceeded"}
    p.completes(status="failed", error=error)
    try:
        turn.run()
    except RuntimeError as failed:
        info = getattr(getattr(failed, "error", None), "codex_error_info", None)
        return [type(failed).__name__, str(failed), isinstance(failed, p.sdk.CodexError), info is not None]


def cancelled_runs(p: Probe) -> Any:
    p.peer.answers["turn/start"] = started("u")

    async def main() -> Any:
        codex = p.sdk.AsyncCodex(p.config())
        await codex.__aenter__()
        task = asyncio.create_task(p.sdk.AsyncThread(codex, "t").run("Hi."))
        p.peer.answers.pop("turn/start")
        request = await asyncio.to_thread(p.peer.expect, "turn/start")
        p.peer.answer(request, started("u"))
        p.peer.send(event("turn/started", "t", "u"))
        for _ in range(20):
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        message = await asyncio.to_thread(next_message, p.peer, 1.0)
        return message["method"] if message is not None else "nothing"

    return asyncio.run(main())


def silent_runtimes(p: Probe) -> Any:
    deadline = {"request_timeout_s": 0.2} if hasattr(p.sdk, "RequestTimeoutError") else {}
    return raised(p.codex(**deadline).models)


def overload(p: Probe) -> Any:
    return p.sdk.is_retryable_error(p.errors.map_jsonrpc_error(-32001, "Server overloaded; retry later."))


def overloaded_calls(p: Probe) -> Any:
    codex = p.codex()
    found: list[Any] = []
    caller = threading.Thread(target=lambda: found.append(raised(codex.models)), daemon=True)
    caller.start()
    p.peer.refuse(p.peer.expect("model/list"), -32001, "Server overloaded; retry later.")
    again = next_message(p.peer, 0.5)
    if again is not None:
        p.peer.answer(again, {"data": [], "nextCursor": None})
    caller.join(1)
    return found[0]


def broken_lines(p: Probe) -> Any:
    return _during_a_request(p, p.client(None), lambda: p.peer.send_raw(b"this is not JSON\n"))


def unknown_fields(p: Probe) -> Any:
    raw = {"threadId": "t", "fromTomorrow": 1}
    model = p.v2.ThreadClosedNotification
    return [
        model.model_validate(raw).model_dump(by_alias=True),
        model.model_validate(raw) == model.model_validate({"threadId": "t"}),
    ]


def unknown_items(p: Probe) -> Any:
    turn = p.turn(p.codex())
    item = {"type": "brandNew", "id": "i", "power": 9}
    p.peer.send(event("item/completed", "t", "u", item=item, completedAtMs=1))
    p.completes()
    return len(turn.run().items)


def unknown_statuses(p: Probe) -> Any:
    turn = p.turn(p.codex())
    p.completes(status="brandNew")
    return raised(turn.run)


def enum_defaults(p: Probe) -> Any:
    return type(p.v2.Turn.model_validate(TURN).items_view).__name__


def empty_prompts(p: Probe) -> Any:
    thread = p.sdk.Thread(p.codex()._client, "t")
    p.peer.answers["turn/start"] = started("u")
    return raised(lambda: thread.turn(""))


def wrong_configs(p: Probe) -> Any:
    return raised(lambda: p.sdk.CodexConfig(config_overrides="model=x"))


def wrong_options(p: Probe) -> Any:
    p.peer.answers["thread/list"] = {"data": []}
    return raised(lambda: p.codex().thread_list(limit=-1))


def missing_binaries(p: Probe) -> Any:
    return raised(lambda: p.sdk.Codex(p.sdk.CodexConfig(codex_bin="/nowhere/codex")))


def command_names(p: Probe) -> Any:
    """A name without a separator, of a command that PATH has and the working directory has not."""
    path = Path(tempfile.mkdtemp(), "codex")
    path.write_text(f"#!/bin/sh\nexec {shlex.join(p.peer.argv)}\n")
    path.chmod(0o755)
    env = {"PATH": f"{path.parent}{os.pathsep}{os.environ['PATH']}"}
    return raised(lambda: p.sdk.Codex(p.sdk.CodexConfig(codex_bin="codex", env=env)))


def early_metadata(p: Probe) -> Any:
    return raised(lambda: p.sdk.AsyncCodex(p.config()).metadata)


def old_runtimes(p: Probe) -> Any:
    p.peer.answers["initialize"] = {
        "userAgent": "codex/0.150.0 (test)",
        "codexHome": "/x",
        "platformFamily": "unix",
        "platformOs": "linux",
    }
    thread = p.sdk.Thread(p.codex()._client, "t")
    return raised(lambda: thread.turn("Hi.", source="test"))


def ended_runtimes(p: Probe) -> Any:
    codex = p.codex()
    threading.Timer(0.2, p.peer.exit, [3]).start()
    try:
        codex.models()
    except p.sdk.TransportClosedError as error:
        return getattr(error, "exit_code", "unknown")


def pickled_errors(p: Probe) -> Any:
    error = p.errors.map_jsonrpc_error(-32600, "no", {"more": 1})
    return raised(lambda: pickle.loads(pickle.dumps(error)))  # noqa: S301


def closed_clients(p: Probe) -> Any:
    async def main() -> list[str]:
        codex = p.sdk.AsyncCodex(p.config())
        async with codex:
            pass
        try:
            await codex.models()
        except Exception as error:
            return [type(error).__name__]
        return []

    # Where the client starts again, this waits for an answer to its second hello.
    return asyncio.run(main())


def streams_that_close(p: Probe) -> Any:
    turn = p.turn(p.codex())
    with contextlib.suppress(TypeError, AttributeError), turn.stream() as events:
        return type(events).__name__


def early_interrupts(p: Probe) -> Any:
    turn = p.turn(p.codex())
    found: list[Any] = []
    caller = threading.Thread(target=lambda: found.append(raised(turn.interrupt)), daemon=True)
    caller.start()
    p.peer.refuse(p.peer.expect("turn/interrupt"), -32600, "no active turn to interrupt")
    p.peer.answers["turn/interrupt"] = {}
    p.peer.send(event("turn/started", "t", "u"))
    caller.join()
    return found[0]


def double_interrupts(p: Probe) -> Any:
    turn = p.turn(p.codex())
    p.peer.answers["turn/interrupt"] = {}
    turn.interrupt()
    # The runtime leaves a second one unanswered.
    del p.peer.answers["turn/interrupt"]
    turn.interrupt()
    return "answered"


def idle_streams(p: Probe) -> Any:
    p.peer.answers["model/list"] = {"data": [], "nextCursor": None}
    count = iter(range(1000))
    p.peer.answers["turn/start"] = lambda params: started(f"u{next(count)}")

    async def follow(codex: Any, number: int) -> None:
        turn = await p.sdk.AsyncThread(codex, f"t{number}").turn("Hi.")
        async for _ in turn.stream():
            pass

    async def main() -> str:
        codex = p.sdk.AsyncCodex(p.config())
        await codex.__aenter__()
        waiting = [asyncio.create_task(follow(codex, number)) for number in range(40)]
        await asyncio.sleep(0.3)
        await codex.models()
        assert not any(task.done() for task in waiting)
        return "answered"

    return asyncio.run(main())


PROBES: dict[str, Callable[[Probe], Any]] = {
    probe.__name__: probe
    for probe in (
        approvals,
        failing_handlers,
        calling_handlers,
        failed_turns,
        cancelled_runs,
        silent_runtimes,
        overload,
        overloaded_calls,
        broken_lines,
        unknown_fields,
        unknown_items,
        unknown_statuses,
        enum_defaults,
        empty_prompts,
        wrong_configs,
        wrong_options,
        missing_binaries,
        command_names,
        early_metadata,
        old_runtimes,
        ended_runtimes,
        pickled_errors,
        closed_clients,
        streams_that_close,
        early_interrupts,
        double_interrupts,
        idle_streams,
    )
}


def outcome(package: str, name: str) -> Any:
    """What a probe comes to."""
    found: list[Any] = []

    def work() -> None:
        try:
            found.append(PROBES[name](Probe(package, peer)))
        except BaseException as error:
            found.append(f"{type(error).__name__}: {error}")

    peer = ScriptedPeer()
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(PATIENCE_S[package])
    return found[0] if found else UNANSWERED


def main() -> None:
    package = sys.argv[1]
    importlib.import_module(f"{package}.generated.v2_all")
    for name in sys.argv[2:] or PROBES:
        print(json.dumps([name, outcome(package, name)]), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
