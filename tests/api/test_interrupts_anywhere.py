"""Ctrl-C anywhere in a call, on the real runtime: what the call had begun has stopped, or is the program's.

A trace function raises KeyboardInterrupt at the n-th moment of the package's code that the call runs, for one
n after the other, until the call gets through. Moments are those at which an interpreter looks for signals:
after calls, at the heads of functions, and where a loop goes back; from 3.11 on not after the call of a
function of Python's, which is no call for it.
"""

from __future__ import annotations

import dis
import gc
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from time import monotonic as now
from types import CodeType, FrameType
from typing import Any

import pytest

from codex_app_server import Codex, CodexConfig, Thread, TurnHandle, TurnNotRunningError, TurnTimeoutError
from codex_app_server.generated.v2_all import ThreadGoalStatus, ThreadUnsubscribeStatus
from codex_app_server.testing import (
    Answer,
    FunctionCall,
    MissingRequestsError,
    ModelRequest,
    OfflineModel,
    OfflineModelError,
    Stall,
)
from tests.api._sync.concurrency import Background
from tests.leaks import assert_idle
from tests.peer import ScriptedPeer, event

DEADLINE_S = 3.0

# The longest takes 58 s of a processor, and five minutes on one that twenty processes share.
pytestmark = pytest.mark.timeout(900)


class Tracer:
    """Raises KeyboardInterrupt once, at the n-th moment of the package's code in this thread."""

    def __init__(self, nth: int) -> None:
        self._nth = nth
        # Of each frame, the offset of the instruction that it has executed last.
        self._last: dict[FrameType, int] = {}
        # The frame into which a function of Python's has just returned.
        self._returned_into: FrameType | None = None
        self.seen = 0
        # Where it was raised; None as long as it was not.
        self.place: str | None = None

    @contextmanager
    def on(self) -> Iterator[None]:
        before = sys.gettrace()
        sys.settrace(self._called)
        try:
            yield
        finally:
            sys.settrace(before)
            self._last.clear()
            self._returned_into = None

    def _called(self, frame: FrameType, event: str, arg: Any) -> Any:
        if not _is_ours(frame):
            return None
        frame.f_trace_lines = False
        frame.f_trace_opcodes = True
        return self._stepped

    def _stepped(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "opcode":
            last, self._last[frame] = self._last.get(frame), frame.f_lasti
            is_step, self._returned_into = self._returned_into is frame, None
            if not is_step and (last is None or _may_be_interrupted(frame, last)):
                self.seen += 1
                if self.seen == self._nth:
                    code = frame.f_code
                    self.place = f"{Path(code.co_filename).name}:{frame.f_lineno} in {code.co_name}"
                    raise KeyboardInterrupt
        elif event == "return" and sys.version_info >= (3, 11):
            self._returned_into = frame.f_back
        elif event == "exception":
            # On the way to whoever handles it nobody looks for signals.
            self._returned_into = frame
        return self._stepped


def _may_be_interrupted(frame: FrameType, last: int) -> bool:
    """Whether a signal's handler may run between the instruction at `last` and the next one."""
    is_moment, returns = _look_at(frame.f_code, last, frame.f_lasti)
    # What the call itself returns is the program's, as it is one instruction later.
    return is_moment and not (returns and frame.f_back is not None and not _is_ours(frame.f_back))


@cache
def _look_at(code: CodeType, last: int, following: int) -> tuple[bool, bool]:
    """Whether the interpreter looks for signals between two instructions, and whether the latter returns."""
    names = {each.offset: each.opname for each in dis.get_instructions(code)}
    entries = getattr(dis.Bytecode(code), "exception_entries", ())

    def block(offset: int) -> object:
        return next((each.target for each in entries if each.start <= offset < each.end), None)

    looks = names[last].startswith(("CALL", "RESUME", "JUMP_BACKWARD", "JUMP_ABSOLUTE"))
    # What a handler raises belongs to the instruction before it, what a trace function raises to the one
    # after it. That is another matter where a block ends or begins between the two.
    return looks and block(last) == block(following), names[following].startswith("RETURN")


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).partition(".")[0] == "codex_app_server"


def interrupted(
    call: Callable[[], object], program: Callable[[Any], object] = lambda result: None
) -> Iterator[Tracer]:
    """Interrupts `call` at one moment after the other, until it gets through; what it returns is `program`'s.

    Gives each tracer twice: before the call, and after it.
    """
    # What there is already is not looked through each time for what the call leaves.
    gc.freeze()
    nth = 1
    tracer = Tracer(nth)
    try:
        while True:
            yield tracer
            try:
                with tracer.on():
                    result = call()
            except KeyboardInterrupt:
                pass
            else:
                program(result)
                del result
            gc.collect()
            yield tracer
            if tracer.place is None:
                break
            nth += 1
            tracer = Tracer(nth)
    finally:
        gc.unfreeze()
    assert nth > 20, "hardly a moment was found"


class Bench:
    """Interrupts what begins a turn, each time on another thread.

    The model stands still in its answer until the call waits for it, so no turn ends by itself before, and
    one that is lost runs on.
    """

    def __init__(self, codex: Codex, model: OfflineModel) -> None:
        self._codex = codex
        self._model = model
        self._thread = codex.thread_start()
        self._tracer = Tracer(0)
        self._released = False
        self._over = False
        self._armed = threading.Event()

    def each(
        self,
        call: Callable[[Thread], object],
        program: Callable[[Any], object] = lambda result: None,
        besides: str = "",
    ) -> None:
        """Expect that every moment, `besides` the only one in such a place, leaves nothing that goes on."""
        left: dict[str, Thread] = {}
        # Only a first call imports. If that were one of those that are interrupted, the moments behind its
        # imports would come hundreds of moments earlier in the next one, and be left out.
        self._model.reset(reached)
        with suppress(TurnNotRunningError):
            program(call(self._thread))
        self._model.reset(reaching)
        releasing = threading.Thread(target=self._release)
        releasing.start()
        calls = interrupted(lambda: call(self._thread), program)
        try:
            for nth, tracer in enumerate(calls, start=1):
                self._thread = self._codex.thread_start()
                self._released = False
                self._tracer = tracer
                self._armed.set()
                next(calls)
                if not self._released:
                    left[f"{nth}: {tracer.place}"] = self._thread
        finally:
            self._over = True
            self._armed.set()
            releasing.join()
        due = now() + DEADLINE_S
        while left and now() < due:
            left = {place: thread for place, thread in left.items() if self._goes_on(thread)}
        self._model.reset("Over.")
        places = [place for place in left if besides and place.endswith(besides)]
        assert len(places) <= 1
        for place in places:
            del left[place]
        assert not left, f"{len(left)} of {nth} moments leave a turn or goal that goes on:\n" + "\n".join(
            left
        )

    def _goes_on(self, thread: Thread) -> bool:
        goal = self._codex.rpc.thread.goal.get(thread_id=thread.id).goal
        is_pursued = goal is not None and goal.status is ThreadGoalStatus.active
        return is_pursued or thread.read().thread.status.root.type == "active"

    def _release(self) -> None:
        arrived = 0
        while not self._over:
            try:
                self._model.wait_for_requests(arrived + 1, 0.1)
            except MissingRequestsError:
                continue
            arrived += 1
            request = self._model.requests[arrived - 1]
            tracer = self._tracer
            # The call waits once it does nothing any more.
            seen = -1
            while tracer.place is None and seen != tracer.seen:
                seen = tracer.seen
                threading.Event().wait(0.005)
            # Another one's was lost.
            if request.thread_id == self._thread.id and not request.tool_outputs:
                self._let_go(request, tracer)

    def _let_go(self, request: ModelRequest, tracer: Tracer) -> None:
        """Release the answer to a request, unless the call is interrupted before."""
        while tracer.place is None and tracer is self._tracer and not self._over:
            # It may not stand still yet; and the runtime may have hung up just now, for an interruption.
            with suppress(OfflineModelError):
                self._model.release(prompt=request.prompt)
                self._released = True
                return
            threading.Event().wait(0.005)


def reaching(request: ModelRequest) -> Answer:
    """The script of a goal that is reached in its first turn, once that is released."""
    if request.tool_outputs:
        return Answer("Done.")
    if "<objective>" in request.prompt:
        return Answer("Well, ", Stall(), FunctionCall("update_goal", {"status": "complete"}))
    return Answer("Well, ", Stall())


def reached(request: ModelRequest) -> Answer:
    """The same, and nobody needs to release it."""
    return Answer(*(part for part in reaching(request).parts if not isinstance(part, Stall)))


@pytest.fixture(autouse=True)
def _finalizers_may_be_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    # The interpreter says so and goes on; it is not what the call raises.
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: None)


@pytest.fixture
def bench(model: OfflineModel) -> Iterator[Bench]:
    with Codex(model.config()) as codex:
        yield Bench(codex, model)


def test_a_run_that_is_interrupted_anywhere_leaves_no_turn_running(bench: Bench) -> None:
    bench.each(lambda thread: thread.run(thread.id))


def test_a_turn_that_is_interrupted_anywhere_is_returned_or_stops(bench: Bench) -> None:
    bench.each(lambda thread: thread.turn(thread.id), lambda turn: turn.interrupt())


def test_a_block_that_is_interrupted_anywhere_leaves_no_turn_running(bench: Bench) -> None:
    def block(thread: Thread) -> None:
        with thread.turn(thread.id) as turn:
            next(turn.stream())

    # At its head no code of Python's could catch anything.
    bench.each(block, besides=" in __enter__")


@pytest.mark.slow  # the runtime takes 0.2 s to set each goal
def test_a_goal_that_is_interrupted_anywhere_is_returned_or_paused(bench: Bench) -> None:
    bench.each(lambda thread: thread.goal(thread.id), lambda goal: goal.cancel())


@pytest.mark.slow
def test_a_run_of_a_goal_that_is_interrupted_anywhere_leaves_it_paused(bench: Bench) -> None:
    bench.each(lambda thread: thread.run_goal(thread.id))


def test_a_start_of_a_thread_that_is_interrupted_anywhere_is_returned_or_unsubscribed(
    model: OfflineModel,
) -> None:
    with Codex(model.config()) as codex:

        def unsubscribed(thread_id: str) -> ThreadUnsubscribeStatus:
            return codex.rpc.thread.unsubscribe(thread_id=thread_id).status

        unsubscribed(codex.thread_start().id)  # loads what a first call loads
        known = set(codex.rpc.thread.loaded.list().data)
        kept = []
        calls = interrupted(codex.thread_start, lambda thread: unsubscribed(thread.id))
        for tracer in calls:
            next(calls)
            # Then every answer has come, and what it made necessary was said.
            assert_idle(codex.stats)
            loaded = set(codex.rpc.thread.loaded.list().data) - known
            known |= loaded
            if any(unsubscribed(each) is ThreadUnsubscribeStatus.unsubscribed for each in loaded):
                kept.append(str(tracer.place))
        assert not kept, f"{len(kept)} moments leave a thread subscribed to:\n" + "\n".join(kept)


def test_a_wait_for_a_result_that_is_interrupted_anywhere_leaves_it_to_others(peer: ScriptedPeer) -> None:
    peer.answers["model/list"] = {"data": []}
    with Codex(CodexConfig(launch_args_override=peer.argv)) as codex:
        handles: list[TurnHandle] = []

        def wait() -> None:
            with suppress(TurnTimeoutError):
                handles[-1].result(timeout_s=0.0)

        calls = interrupted(wait)
        for number, tracer in enumerate(calls):
            handles.append(TurnHandle(codex, "t", str(number)))
            next(calls)
            peer.send(event("turn/completed", "t", str(number)))
            asking = Background(handles[-1].result)
            assert asking.result().id == str(number), tracer.place


def test_a_stream_whose_making_is_interrupted_anywhere_ends_without_a_word(
    peer: ScriptedPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: said.append(repr(unraisable.exc_value)))
    with Codex(CodexConfig(launch_args_override=peer.argv)) as codex:
        turn = TurnHandle(codex, "t", "u")
        calls = interrupted(turn.stream)
        for _ in calls:
            next(calls)
    assert not [one for one in said if "KeyboardInterrupt" not in one]


def test_a_resume_that_is_interrupted_anywhere_lets_the_next_one_begin(peer: ScriptedPeer) -> None:
    thread = {"id": "t", "status": {"type": "notLoaded"}}
    peer.answers |= {"thread/resume": {"thread": thread}, "thread/read": {"thread": thread}}
    with Codex(CodexConfig(launch_args_override=peer.argv)) as codex:
        left: list[BaseException] = []

        def resume() -> None:
            try:
                codex.thread_resume("t", personality="friendly")
            except BaseException as error:
                # And with it the frames that know of the lock.
                left[:] = [error]
                raise

        resume()  # imports what it needs
        calls = interrupted(resume)
        for tracer in calls:
            next(calls)
            asking = Background(lambda: codex.thread_resume("t", timeout_s=DEADLINE_S))
            assert asking.result().id == "t", tracer.place
        assert left
