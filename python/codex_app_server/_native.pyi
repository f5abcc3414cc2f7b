"""The native transport: one child process, one reader thread, typed mailboxes.

Nothing here waits inside an event loop: what can be waited for has `wait` for threads, which sleeps without
the interpreter and stays open to Ctrl-C, and `ready` for the tasks of an event loop. In a forked child
every method raises `errors.ForkedProcessError` and touches nothing else.
"""

from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextvars import Context
from typing import Any, Final, Literal, TypeVar, final

__all__ = [
    "RELEASE",
    "Call",
    "Connection",
    "Decoder",
    "Gate",
    "LineLog",
    "LoopWaker",
    "ServerRequest",
    "ServerRequests",
    "Subscription",
    "Wait",
    "interpreter_exits",
    "notification_methods",
    "plain",
]

_T = TypeVar("_T")

RELEASE: Final[bool]
"""Whether the module was built with optimisations."""

@final
class Connection:
    """One running runtime: its process, its reader and writer threads, its session, the admission windows."""

    def __new__(
        cls,
        argv: Sequence[str],
        *,
        env: Sequence[tuple[str, str]] | None = None,
        cwd: str | None = None,
        turn_budget: int = ...,
        total_budget: int = ...,
        stderr_tail: int = ...,
        max_message: int = ...,
        open_files: int = ...,
        eof_grace_s: float = ...,
        term_grace_s: float = ...,
        wire_log: LineLog | None = None,
        stderr_log: LineLog | None = None,
    ) -> Connection:
        """Spawn the process.

        Args:
            argv: The command; its first element is a path.
            env: The whole environment as pairs; this process' own when None.
            cwd: The working directory; this process' own when None.
            turn_budget: Bytes that one mailbox may hold before it drops events: a turn's its deltas,
                any other the newest.
            total_budget: Bytes that all mailboxes may hold.
            stderr_tail: Bytes of the end of stderr that are kept.
            max_message: Bytes that one message of the process may have; the connection ends at a longer one.
            open_files: Its soft limit of descriptors is raised to this, if that is lower and its hard limit
                allows it.
            eof_grace_s: Seconds between stdin's end and SIGTERM when closing.
            term_grace_s: Seconds between SIGTERM and SIGKILL.
            wire_log: Gets the lines of both directions while it is on. Several connections may have the same.
            stderr_log: Gets the lines of its stderr while it is on. It ends with them, and with a `close`
                while the interpreter ends.

        Raises:
            OSError: The system refused, with its number.
        """

    @property
    def pid(self) -> int:
        """The child's process id."""

    @property
    def exit_code(self) -> int | None:
        """How the child has ended: its exit code, or the negative number of the signal that has ended it.

        None while it runs, or if the system has not told.
        """

    def open_call(
        self,
        method: str,
        *,
        thread_id: str | None = None,
        stream: Subscription | None = None,
        until_answer: bool = False,
    ) -> Call:
        """Join the admission queue for `method`. Never blocks.

        With method "turn/start" and a `thread_id`, a subscription is opened at the moment the
        line is written, and bound to the turn by the reader when the answer arrives.

        With the `stream` that the request opens, the stream's errand is owed from the moment the line is
        written, unless the answer is an error. With `until_answer`, the answer is the end of the stream.
        """

    def notify(self, method: str, params: bytes | None) -> None:
        """Send a notification. Never blocks; raises TransportClosedError when closed."""

    def subscribe_turn(self, thread_id: str, turn_id: str) -> Subscription:
        """Follow a turn: its events from now on; of one that has ended here lately none (`missed`).

        The turn does not stop while it is followed. Its follower owns nothing of it.
        """

    def interrupt(self, thread_id: str, turn_id: str) -> Call:
        """Interrupt a turn. Never blocks.

        The request goes out by itself, whatever becomes of the call, which is for its answer only. If the
        runtime refuses it because a turn that was started here has not begun, it goes out once more when the
        turn begins.
        """

    def own_thread(self, thread_id: str, *, errand: tuple[str, bytes]) -> Subscription | None:
        """Reserve a thread for a goal; None while another goal has it, or a turn that was started here.

        Give the subscription as `stream` to the call that sets the goal. From the moment that its line is
        written, the turns that the runtime starts there are the subscription's, until the last one is over.

        Args:
            thread_id: The thread.
            errand: The request (method, params as JSON) that pauses the goal. It is sent, and after it an
                interrupt of the running turn, when the subscription is left while it `owes`.
        """

    def has_begun(self, turn_id: str) -> bool | None:
        """Whether the turn/started of a turn that was started here has come; None for any other turn.

        Before that the runtime refuses to interrupt it.
        """

    def turn_is_over(self, turn_id: str) -> bool:
        """Whether the end of the turn was seen here, whoever followed it; of the last 4096 that have ended.

        So is one whose thread was closed, or whose interrupt was accepted where its end is not heard.
        """

    def serve(self) -> ServerRequests:
        """From now on the runtime's requests wait for an answer instead of being refused.

        Raises:
            RuntimeError: Somebody serves already.
        """

    def subscribe_subject(
        self, name: str, subject_id: str, *, errand: tuple[str, bytes] | None = None
    ) -> Subscription:
        """The events of a stream that is no turn, from now on until its last word.

        Args:
            name: The property of the events that names the stream, for example "watchId".
            subject_id: Its value.
            errand: The request (method, params as JSON) that undoes the one that opens the stream. It is
                sent, without anybody waiting for it, when the subscription is left while it `owes`.

        Raises:
            ValueError: No event is named by `name`.
        """

    def subscribe_notifications(
        self, methods: Sequence[str] | None = None, *, thread_id: str | None = None
    ) -> Subscription:
        """Notifications of many turns and streams, from now on. They are filtered before they are kept.

        Args:
            methods: Only these, a turn's included; when None, whatever is no turn's.
            thread_id: Only those of this thread.
        """

    def keep_backlog(self) -> None:
        """From now on the last 256 notifications that are no turn's, up to 1 MB, are kept."""

    def subscribe_backlog(self) -> Subscription:
        """Whatever is no turn's: first what was kept of it, then all that comes. No more is kept."""

    def stats(self) -> dict[str, int]:
        """Counters since the start."""

    def take_diagnostics(self) -> list[str]:
        """Records (logging level, message) noted since the last call. Cheap when there are none."""

    def close(self, *, hurry: bool = False) -> None:
        """Begin to end the process on a native thread and latch the connection closed.

        Never blocks. Idempotent. Its end can be waited for with `wait` or `ready`. In a `hurry` the end of
        its input and SIGTERM get a tenth of a second each.
        """

    def wait(self, timeout: float | None = None) -> bool:
        """Block until the child is reaped and the threads have ended (True), or `timeout` seconds (False)."""

    def ready(self, waker: LoopWaker) -> Wait:
        """The same wait for a task of the waker's loop: `await` it."""

    @property
    def closed(self) -> bool:
        """True from the moment the connection is latched closed, for whatever reason."""

    @property
    def stderr_tail(self) -> str:
        """The end of what the child wrote to stderr so far."""

@final
class Call:
    """One request: queued for admission, admitted, sent, answered.

    `wait` and `ready` concern the next step: before `send` they are over when it is admitted, after `send`
    when it is answered, and both when the connection closes.
    """

    def wait(self, timeout: float | None = None) -> bool:
        """Block until ready (True) or until `timeout` seconds have passed (False)."""

    def ready(self, waker: LoopWaker) -> Wait:
        """The same wait for a task of the waker's loop: `await` it."""

    @property
    def admitted(self) -> bool:
        """True once the request may be sent."""

    @property
    def open_ended(self) -> bool:
        """Answered only when work ends that has no bound of its own (a command): no default deadline."""

    def send(self, params: bytes | None) -> None:
        """Put the envelope around `params` (JSON) and hand the line to the writer.

        Raises:
            TransportClosedError: The connection is closed.
            WriteQueueFullError: Too many bytes wait to be written.
            RuntimeError: The request is not admitted, or was sent before.
        """

    def remaining(self, timeout: float) -> float:
        """Seconds left of `timeout`, counted from when the line was written; until then, from `send`.

        While the call waits for admission they are counted from when another one of its window was last
        answered.
        """

    def take(self) -> bytes:
        """The answer's raw `result`, once.

        A thread or a login that the request has made is owed until `hand_over`: if the call is dropped
        before, it is undone as if nobody had taken the answer.

        Raises:
            JsonRpcError: The answer is an error.
            TransportClosedError: The connection closed before the answer came.
        """

    def hand_over(self, value: _T) -> _T:
        """The program has what the request has made. Returns `value`, which holds it, in the same step.

        So no exception comes in between. Of a request that has made no thread and no login it only returns
        the value; a turn is handed over by its subscription.
        """

    def abandon(self) -> None:
        """Give the request up. Idempotent; after `take`, and after `hand_over`, it undoes what was made.

        A queued request is removed. A written one leaves a tombstone: a late turn/start is met with
        turn/interrupt, a late thread/start or thread/fork with thread/unsubscribe, a late
        account/login/start with account/login/cancel. So is an answer that nobody took.
        """

    def take_subscription(self) -> Subscription:
        """After a successful turn/start: the subscription that the reader bound to the turn. Once."""

    def take_turn(self) -> tuple[Subscription, bytes]:
        """`take_subscription` and `take` in one step, so that no exception comes in between.

        A turn/start whose call is dropped before one of these is undone like one that is given up: the turn
        is interrupted, unless somebody else holds it. So it is if the subscription is dropped before it was
        kept.

        Raises:
            JsonRpcError: The answer is an error.
            TransportClosedError: The connection closed before the answer came.
        """

@final
class Subscription:
    """One consumer's mailbox. Only one thread or task may drain it and wait for it at a time."""

    @property
    def thread_id(self) -> str:
        """The thread; "" where it is no thread's."""

    @property
    def turn_id(self) -> str:
        """The turn; "" where it is no turn's."""

    @property
    def first_turn(self) -> str | None:
        """Of a goal: its first turn, once that was started; its id stands for the whole."""

    @property
    def running_turn(self) -> str | None:
        """Of a goal: the turn that runs now. It is as of now, whatever was drained."""

    @property
    def goes_on(self) -> bool:
        """Of a goal: whether the runtime may still start turns for it."""

    @property
    def missed(self) -> bool:
        """Of a turn: it was over before it was subscribed to."""

    @property
    def over(self) -> bool:
        """True when nothing more will come, whatever was drained: its last word has come, or the end."""

    @property
    def latest_goal(self) -> bytes | None:
        """Of a goal: the params of the last thread/goal/updated, as of now."""

    def idle_s(self) -> float | None:
        """Of a turn: seconds since something of it arrived; of a goal: of any turn of its thread.

        What is filtered counts, too. Before the first arrival they count from the subscription's making. None
        while a request of the runtime about it waits for an answer, which counts as an arrival when it is
        given, refused or not waited for any more. None for any other stream.
        """

    @property
    def held_by_others(self) -> bool:
        """Of a turn: whether it goes on when this consumer gives it up, because somebody else holds it."""

    def own(self) -> None:
        """From now on leaving undoes what the request began: `give_up`, or dropping this."""

    def keep(self) -> None:
        """What the request began may go on without this consumer: only `give_up` undoes it from now on."""

    def hand_over(self, handle: _T) -> _T:
        """`keep`, and return the handle: in one step, so that no exception comes in between."""

    @property
    def owes(self) -> bool:
        """Whether there is something to undo: the request is on its way, and what it begins goes on."""

    def settle(self) -> None:
        """The consumer has undone the request itself: no errand is owed any more."""

    def stop(self) -> None:
        """Of a goal: pause it and interrupt the turn that runs for it, whoever follows that. Never waits.

        Both go out by themselves, whatever becomes of the caller. A turn that begins before the goal is
        paused is interrupted, too. Events still come to the end. Idempotent. A goal that is not set yet is
        paused behind the request that sets it; of one that is over nothing is left to stop.

        Raises:
            RuntimeError: It is no goal's.
        """

    def record(self) -> None:
        """Keep what select("result") keeps of what is drained from now on, for a `watch` that is made later.

        After that, `close` and `give_up` leave what a result needs, of what waits and of what comes, until
        `forget`, or until this is dropped. Its bytes count, but cost no other stream its deltas. Idempotent.

        Raises:
            RuntimeError: This was closed without a record, or is no turn's and no goal's.
        """

    def forget(self) -> None:
        """Let go of what is recorded, and of what comes if this was closed. Idempotent."""

    def watch(self) -> Subscription:
        """A second subscription to the turn or the goal of this one, for its result.

        It has what select("result") keeps (of a goal turn/started, too) of what was recorded, of what was
        not drained here yet, and of all that comes, to the end. Nothing is taken from this one, which may be
        read, closed or dropped meanwhile: the watch goes on. What was drained, or passed over because of a
        `select`, before this was told to `record`, is not in it. Each call makes another.

        A watch holds nothing: a turn that nobody else wants is stopped, and the watch sees the end of it. To
        close or drop it only ends the watching; so does `give_up`, and `own`, `keep`, `settle` and
        `hand_over` change nothing. Its waits are those of a result: they end when an error has come, and with
        the turn or the goal. Over budget nothing is dropped from it. One of a goal that is never set ends
        when the goal's subscription is closed.

        Raises:
            RuntimeError: This was closed without a record, or is no turn's and no goal's.
        """

    @property
    def finished(self) -> bool:
        """True when the last event was drained: nothing more will come."""

    def select(self, what: Literal["all", "result", "text", "end"]) -> None:
        """Filter natively, also what waits already.

        "all": everything. "result": only what a TurnResult folds (item/completed,
        thread/tokenUsage/updated, turn/completed, error). "text": only agent message deltas,
        turn/completed and error. "end": the last word only.

        A wait for a "result" ends when an error has come, so that a retry can be told, and with the turn; one
        for the "end" with the turn only.

        Raises:
            RuntimeError: It is a watch, which is for the result only.
        """

    def drain(
        self, decoder: Decoder, limit: int = 128, into: list[Any] | deque[Any] | None = None
    ) -> list[Any]:
        """Up to `limit` decoded events in wire order, without waiting; [] when none is ready.

        Under select("text") agent deltas come as plain `str`.

        Args:
            decoder: Makes objects of them.
            limit: How many at most.
            into: It is extended by them, too, before this returns. So no exception of a signal's handler
                comes between taking them out and keeping them.

        Raises:
            StreamOverflowError: Events were dropped. A turn says so once, before the rest; others each time,
                where the events are missing. What is left can be drained.
            TransportClosedError: The connection ended before the stream did, and all else was drained.
        """

    def drain_ready(
        self,
        decoder: Decoder,
        limit: int,
        timeout: float | None = None,
        into: list[Any] | deque[Any] | None = None,
    ) -> list[Any]:
        """`wait` until something can be drained, then `drain` it. What it raises itself loses nothing.

        It returns [] when the stream has ended, or when nothing could be drained for `timeout` seconds. With
        events always at hand it also sleeps, up to 50 ms, while threads that were woken wait to run.

        Raises:
            StreamOverflowError: As from `drain`.
            TransportClosedError: As from `drain`.
            RuntimeError: Another thread has closed the subscription, or drains it.
            KeyboardInterrupt: Ctrl-C, on the main thread; likewise whatever a signal's handler raises.
        """

    def wait(self, timeout: float | None = None) -> bool:
        """Block until something can be drained (True) or until `timeout` seconds have passed (False)."""

    def ready(self, waker: LoopWaker) -> Wait:
        """The same wait for a task of the waker's loop: `await` it."""

    def give_up(self) -> None:
        """`close`, and undo what goes on. Never waits.

        A turn is interrupted once nobody holds it: nobody who has started or joined it and not given it up,
        nobody who follows it, and no turn/start on the wire that may join it. Of another stream the errand is
        sent, also where no request of this process owes it.
        """

    def close(self) -> None:
        """Stop to listen, free everything held but a `record`, wake whoever waits, send what is owed.

        Idempotent. A turn that is owned stays owned; any other runs on.
        """

@final
class ServerRequests:
    """The runtime's requests, one after the other. When this is dropped, they are refused again."""

    def take(self) -> ServerRequest | None:
        """The next one; None when none waits. Never waits.

        Raises:
            TransportClosedError: The connection has ended.
            RuntimeError: This was closed.
        """

    def take_closed(self) -> list[str]:
        """The threads that were closed, archived or deleted since the last call, each once.

        Of very many the last 4,096. They may have been resumed since. What they had asked is settled.
        """

    def close(self) -> None:
        """Refuse what waits, and what comes. Idempotent."""

    def wait(self, timeout: float | None = None) -> bool:
        """Block until there is one, or a closed thread (True), or `timeout` seconds have passed (False)."""

    def ready(self, waker: LoopWaker) -> Wait:
        """The same wait for a task of the waker's loop: `await` it."""

@final
class ServerRequest:
    """One request of the runtime. Dropped without an answer, it is refused in the protocol's own shape.

    It is settled once, in whatever way: then nothing is written any more, and every wait for it is over.
    """

    @property
    def method(self) -> str:
        """The method."""

    @property
    def params(self) -> bytes:
        """The params as JSON."""

    @property
    def number(self) -> int:
        """Which of the connection's requests it is, from 1, in the order of the wire."""

    @property
    def thread_id(self) -> str | None:
        """The thread that it names."""

    @property
    def turn_id(self) -> str | None:
        """The turn that it names."""

    @property
    def root_turn_id(self) -> str | None:
        """Of a sub-agent's turn: the turn at the root of its tree, if that is known."""

    @property
    def ancestors(self) -> tuple[str, ...]:
        """Of a sub-agent's thread: those it descends from, the nearest first, as known when it was asked."""

    @property
    def item(self) -> bytes | None:
        """Of a file change: the params of its item/started as JSON, which has the paths and the differences.

        Kept as long as this object. None if they had not come, or there was no room for them: those of a
        connection may be 16 MiB, and those that requests keep count.
        """

    def answer(self, result: bytes) -> bool:
        """Answer it with a JSON value. Never blocks. False if it was settled before."""

    def fail(self, code: int, message: str) -> bool:
        """Answer it with a JSON-RPC error. Never blocks. False if it was settled before."""

    def refuse(self) -> bool:
        """Say no. Never blocks. False if it was settled before."""

    @property
    def settlement(
        self,
    ) -> Literal["answered", "refused", "resolved", "turn_over", "thread_closed", "closed"] | None:
        """How it was settled; None while the runtime waits for the answer.

        "answered" and "refused" are this client's doing. "resolved": the runtime has said that it does not
        wait any more. "turn_over": its turn is over. "thread_closed": its thread was archived, deleted or
        unloaded. "closed": the connection has ended.
        """

    def wait(self, timeout: float | None = None) -> bool:
        """Block until it is settled (True) or until `timeout` seconds have passed (False)."""

    def ready(self, waker: LoopWaker) -> Wait:
        """The same wait for a task of the waker's loop: `await` it."""

@final
class Gate:
    """An event that threads, and tasks of any loop, can wait for. It is not set in the beginning."""

    def __new__(cls) -> Gate: ...
    def set(self) -> None:
        """Set it, and wake everybody who waits. Never blocks."""

    def clear(self) -> None:
        """From now on one waits for it again. Never blocks.

        A thread that was woken and has not run yet may sleep on. So clear it only where one alone waits for
        it: before it looks for what it is told of.
        """

    def wait(self, timeout: float | None = None) -> bool:
        """Block until it is set (True) or until `timeout` seconds have passed (False)."""

    def ready(self, waker: LoopWaker) -> Wait:
        """The same wait for a task of the waker's loop: `await` it."""

@final
class LineLog:
    """Lines that native threads have seen, for the one thread that writes them down.

    It is off in the beginning. Where its thread is too slow, the oldest lines are dropped.
    """

    def __new__(cls, capacity: int = ...) -> LineLog:
        """Make one whose waiting lines take no more than `capacity` bytes, the cost of each included."""

    @property
    def is_on(self) -> bool:
        """Whether lines are kept."""

    def turn_on(self) -> bool:
        """Keep lines from now on. Never blocks.

        True if no thread drains it: the caller has to start one, which begins with `claim`, or to `turn_off`.
        False also after `end`.
        """

    def claim(self) -> bool:
        """Drain it from now on, until `next` has no more. False if another thread does. Never blocks."""

    def turn_off(self) -> None:
        """Keep no more. Those that wait are still to be taken. Never blocks."""

    def end(self) -> None:
        """The same, for ever. Never blocks."""

    def resign(self) -> None:
        """Drain it no more, before `next` has said so. It is off then."""

    def next(self) -> list[tuple[str, int, float, str, int, bool]] | None:
        """The next entries, in wire order; sleeps until there are some, and cannot be interrupted.

        Each has where the line was seen ("sent", "received", "stderr"), the process's id, the time (seconds
        of the epoch), the text, of which at most 16 KiB are kept, the line's length in bytes, and whether it
        was cut. Where lines were dropped, there is one ("lost", 0, 0.0, "", how many, False).

        None when it is off and everything was taken. The caller drains it no more then: `turn_on` tells who
        does.
        """

@final
class LoopWaker:
    """One event loop's descriptor, and the waits of its tasks. The loop's thread alone touches it."""

    def __new__(cls, event_loop: AbstractEventLoop) -> LoopWaker: ...
    def fileno(self) -> int:
        """The descriptor to watch for reading. It is closed with the last reference to this object."""

    def wake(self) -> int:
        """Run the tasks whose waits are over. To be called by the loop, and not by a task.

        Returns:
            How many waits were reported, those included that were cancelled since.

        Raises:
            BaseException: What ends the loop, from a task. The others that are due run in the next call.
        """

    @property
    def pending(self) -> bool:
        """True while waits are over whose tasks did not run yet. `wake` runs those that it begins with."""

    @property
    def idle(self) -> bool:
        """True when nothing waits."""

    def note_turn(self) -> None:
        """The loop lets other tasks run now. It does so whenever it runs one whose wait is over."""

    def since_turn(self) -> float:
        """Seconds since it last did."""

@final
class Wait:
    """One wait of one task, and a future as far as `asyncio.Task` is concerned.

    Awaited, it gives True when it is ready, False when it has expired. It registers for nothing before. Its
    task runs in the very round of the loop that sees it end, without one in between; one that is cancelled
    runs in the next. Only one task can await it.
    """

    def __await__(self) -> Generator[Any, None, bool]: ...
    def __iter__(self) -> Wait: ...
    def __next__(self) -> Wait: ...
    def close(self) -> None:
        """End it without a word: whoever awaited it is being closed."""

    def expire(self) -> None:
        """End it with False if it is not over. To be called by the loop, and not by a task."""

    def cancel(self, msg: object = None) -> bool:
        """End it with `asyncio.CancelledError`, soon. False if it was over."""

    def done(self) -> bool:
        """True when it is over, whatever way."""

    def result(self) -> bool:
        """What awaiting it gives or raises; `asyncio.InvalidStateError` while it is not over."""

    def get_loop(self) -> AbstractEventLoop | None:
        """The waker's loop, while there is one."""

    def add_done_callback(self, callback: Callable[[Wait], object], *, context: Context) -> None:
        """Call back once, in the context, when it is over. Only one can."""

    _asyncio_future_blocking: bool

@final
class Decoder:
    """Turns stored bytes into event objects."""

    def __new__(cls, notification: type, payload: Callable[[str, bytes], Any]) -> Decoder:
        """Make a decoder without fast paths.

        Args:
            notification: The class of events; it has the attributes `method` and `payload`.
            payload: Decodes a payload of (method, params as JSON) that has no fast path.
        """

    def add_fast(self, method: str, model: type, fields: Sequence[tuple[str, str, Any]]) -> None:
        """Build `model` natively for `method`.

        It applies when the params have exactly these fields (JSON key, attribute, kind) and nothing else. A
        kind is "str", "int" or "null"; a dict of an enum's texts and members; `(kind,)` for it or null;
        `[kind]` for a list of it, `[]` for an empty one; `(model, fields)` for another model; or `(wrapper,
        tag, [(value, model, fields), ...])` for a wrapped one, whose first key is the tag with such a value.
        """

    def decode(self, method: str, params: list[bytes]) -> list[Any]:
        """Events of one method that are at hand as bytes, decoded as `Subscription.drain` would."""

def interpreter_exits() -> None:
    """The interpreter begins to end.

    From now on a daemon thread that uses anything here, or has waited in it, gets SystemExit: what it would
    raise otherwise would be printed in the midst of the end.
    """

def notification_methods() -> list[str]:
    """Every notification that the schema knows, sorted."""

def plain(json: bytes) -> bytes | None:
    """A copy of JSON that Python can hold, or None if it is no JSON.

    Containers that nest more than 100 levels deep, and numbers of more than 640 digits, become strings with
    their text; halves of surrogate pairs become U+FFFD.
    """
