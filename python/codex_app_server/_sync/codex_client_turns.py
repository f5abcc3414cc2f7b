# Made from _async/codex_client_turns.py by `python scripts/make_sync.py`; do not edit.

"""The low-level client's turns: started, followed by their ids, and waited for. A part of it.

Owns the queues of those that are registered. What it has started and nobody has asked for yet is kept by the
connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from .. import types
from .._arguments import identifier
from .._concurrency.deadline import NEVER, Deadline, Expired, Patience
from .._incoming.decoding import decoder, payload_as
from .._incoming.result import completed_payload, turn_timed_out
from .._outgoing import low_level_requests
from ..errors import StreamClosedError, StreamOverflowError, TransportClosedError, WaitTimeoutError
from ..models import JsonObject, Notification
from .codex_client_state import CodexClientState
from .codex_client_threads import CodexClientThreads
from .connection import Connection
from .feed import Feed, next_of
from .waiting import wait_ready


class CodexClientTurns(CodexClientThreads):
    """A base of the low-level client."""

    # Of those that are registered, what was not read yet, by turn.
    _turns: dict[str, Feed]
    _state: CodexClientState

    @property
    def _connection(self) -> Connection:
        return self._runtime.connection

    def turn_start(
        self,
        thread_id: str,
        input_items: list[JsonObject] | JsonObject | str,
        params: types.TurnStartParams | JsonObject | None = None,
        *,
        timeout_s: float | None = None,
    ) -> types.TurnStartResponse:
        """Start a turn. Its events are kept, within the budget, for who asks for them.

        That is `wait_for_turn_completed()`, or an `TurnHandle` made with this client and the turn's id.

        Args:
            thread_id: The thread.
            input_items: A text, one item of input by the wire's names, or a list of these.
            params: More params by the wire's names.
            timeout_s: Seconds for the start, not for the turn.
        """
        deadline = Deadline(timeout_s)
        request = low_level_requests.turn_start(identifier("thread_id", thread_id), input_items, params)
        connection = self._runtime.start(deadline)
        subscription, answer = connection.start_turn(request, deadline)
        connection.keep(subscription)
        started: types.TurnStartResponse = answer
        return started

    def turn_steer(
        self,
        thread_id: str,
        expected_turn_id: str,
        input_items: list[JsonObject] | JsonObject | str,
        *,
        timeout_s: float | None = None,
    ) -> types.TurnSteerResponse:
        """Give a running turn more input."""
        answer: types.TurnSteerResponse = self._ask(
            "turn/steer",
            threadId=thread_id,
            expectedTurnId=expected_turn_id,
            input=low_level_requests.items(input_items),
            timeout_s=timeout_s,
        )
        return answer

    def turn_interrupt(
        self, thread_id: str, turn_id: str, *, timeout_s: float | None = None
    ) -> types.TurnInterruptResponse:
        """Stop a running turn. The runtime leaves a second one for the same turn unanswered."""
        answer: types.TurnInterruptResponse = self._ask(
            "turn/interrupt", threadId=thread_id, turnId=turn_id, timeout_s=timeout_s
        )
        return answer

    def wait_for_turn_completed(
        self, turn_id: str, *, timeout_s: float | None = None
    ) -> types.TurnCompletedNotification:
        """Wait for the end of a turn, for as long as it takes or for `timeout_s` seconds.

        Its other events until then are let go.

        A turn that this client has not started has to be running still: of one that it has never heard of,
        the end is waited for until the connection ends. A wait that is stopped can be begun again.

        Raises:
            StreamClosedError: The turn's end went to somebody before, or came before anybody asked.
            WaitTimeoutError: It is not over in time. The turn goes on.
            TransportClosedError: The connection ended first.
        """
        deadline = Deadline(timeout_s)
        if turn_id in self._turns:
            return self._end_of_registered(turn_id, deadline)
        connection = self._connection
        subscription = connection.subscribe("", identifier("turn_id", turn_id))
        gone = StreamClosedError(
            f"The end of turn {turn_id} went to somebody before, or came before anybody asked for it. Read "
            "the whole turn with thread_read(thread_id, include_turns=True), or keep what the first wait "
            "returned."
        )
        if subscription.missed:
            raise gone
        subscription.select("end")
        try:
            events: list[Notification] = []
            # Nothing is awaited between the drain and the return: the end cannot be lost in between.
            while not events:
                with suppress(StreamOverflowError):  # only deltas were dropped
                    events = subscription.drain(decoder())
                if not events and subscription.finished:
                    raise gone
                left = deadline.left() if deadline.is_given else None
                if not events and not wait_ready(subscription, left):
                    raise deadline.missed_end(f"Turn {turn_id}")
            completed = completed_payload(events[-1])
        except BaseException:
            # Stopped in the middle: a turn of this client's waits for the next who asks.
            if subscription.thread_id:
                subscription.select("all")
                connection.keep(subscription)
            else:
                subscription.close()
            raise
        subscription.close()
        # What a turn/start that joined the turn has kept meanwhile is of no use any more.
        connection.let_go(turn_id)
        return completed

    def stream_text(
        self,
        thread_id: str,
        text: str,
        params: types.TurnStartParams | JsonObject | None = None,
        *,
        timeout_s: float | None = None,
        idle_timeout_s: float | None = None,
    ) -> Iterator[types.AgentMessageDeltaNotification]:
        """Start a turn with a text and give the deltas of its messages, each as it comes.

        The turn is started when the first of them is asked for, which may take `timeout_s` seconds. Left
        early, it goes on.

        A failed turn does not raise: its text ends.

        Raises:
            TurnTimeoutError: While iterating: nothing of the turn, which goes on, has arrived for
                `idle_timeout_s` seconds.
            StreamOverflowError: While iterating: the consumer was too slow and deltas were dropped.
            TransportClosedError: While iterating: the connection ended before the turn did.
        """
        patience = None if idle_timeout_s is None else Patience(NEVER, idle_timeout_s)
        turn_id = (self.turn_start(thread_id, text, params, timeout_s=timeout_s)).turn.id
        connection = self._connection
        feed = Feed(connection, connection.subscribe(thread_id, turn_id), decoder())
        try:
            while feed.fill(patience):
                while feed.batch:
                    event = feed.batch.popleft()
                    if event.method == "item/agentMessage/delta":
                        yield payload_as(types.AgentMessageDeltaNotification, event)
        except Expired as over:
            raise turn_timed_out(thread_id, turn_id, over.timeout_s, over.is_idle) from None
        finally:
            feed.close()

    # --- a queue for each turn, as programs of the official package read them

    def register_turn_notifications(self, turn_id: str) -> None:
        """Keep a turn's events for `next_turn_notification()`: all of them, if this client started it."""
        # Of two threads, one takes what was kept of the turn; the other one finds it registered.
        with self._state.registering:
            if turn_id not in self._turns:
                connection = self._connection
                subscription = connection.subscribe("", identifier("turn_id", turn_id))
                self._turns[turn_id] = Feed(connection, subscription, decoder())

    def unregister_turn_notifications(self, turn_id: str) -> None:
        """Let go of a turn's events. The turn goes on; handles of it have events of their own."""
        with self._state.registering:
            feed = self._turns.pop(turn_id, None)
            if feed is not None:
                feed.close()
            elif self._runtime.is_spawned:
                self._connection.let_go(turn_id)

    def next_turn_notification(self, turn_id: str, *, timeout_s: float | None = None) -> Notification:
        """The next event of a turn that this client has started or that is registered; waits for one.

        Raises:
            RuntimeError: The turn is neither.
            WaitTimeoutError: None has come for `timeout_s` seconds.
            StreamOverflowError: Deltas were dropped here, because nobody read them. Read on.
            TransportClosedError: The turn is over and all was read, or the connection has ended.
        """
        with self._state.registering:
            if turn_id not in self._turns and turn_id in self._connection.unclaimed:
                self.register_turn_notifications(turn_id)
            feed = self._turns.get(turn_id)
        if feed is None:
            raise RuntimeError(
                f"Turn {turn_id} is not registered: call register_turn_notifications() first, and before a "
                "handle is made of it, which gets the events otherwise."
            )
        event: Notification | None = next_of(feed, timeout_s, "event of the turn")
        if event is None:
            raise TransportClosedError(
                f"Turn {turn_id} is over, and all its events were read, or came before it was registered."
            )
        return event

    def _end_of_registered(self, turn_id: str, deadline: Deadline) -> types.TurnCompletedNotification:
        # Stopped before the end, the turn stays registered: the wait can be begun again.
        while True:
            left = deadline.left() if deadline.is_given else None
            try:
                event = self.next_turn_notification(turn_id, timeout_s=left)
            except StreamOverflowError:  # only deltas were dropped
                continue
            except WaitTimeoutError:
                raise deadline.missed_end(f"Turn {turn_id}") from None
            if event.method == "turn/completed":
                completed = completed_payload(event)
                self.unregister_turn_notifications(turn_id)
                return completed
