"""More input for a turn that runs, and the end of one: `python -m examples.steer_and_interrupt.sync`."""

from codex_app_server import Codex, CodexConfig, TurnHandle
from codex_app_server.generated.v2_all import AgentMessageThreadItem
from codex_app_server.models import (
    AgentMessageDeltaNotification,
    ItemCompletedNotification,
    TurnCompletedNotification,
)


def main(config: CodexConfig | None = None) -> None:
    """Steer one turn and interrupt another."""
    with Codex(config) as codex:
        thread = codex.thread_start()
        steer(thread.turn("Count from 1 to 100 in words."))
        interrupt(thread.turn("Recite the longest poem you know."))


def steer(turn: TurnHandle) -> None:
    """Change a turn's course once it has begun to write."""
    steered = False
    for event in turn.stream():
        match event.payload:
            case AgentMessageDeltaNotification() if not steered:
                # The agent breaks off and goes on with both prompts in mind; it is still the same turn.
                turn.steer("That is enough counting. Say goodbye instead.")
                steered = True
            case ItemCompletedNotification(item=item) if isinstance(item.root, AgentMessageThreadItem):
                print(item.root.text)


def interrupt(turn: TurnHandle) -> None:
    """Stop a turn once it has begun to write."""
    interrupted = False
    for event in turn.stream():
        match event.payload:
            case AgentMessageDeltaNotification() if not interrupted:
                turn.interrupt()
                interrupted = True
            case TurnCompletedNotification(turn=end):
                print(end.status.value)


if __name__ == "__main__":
    main()
