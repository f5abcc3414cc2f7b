"""What the agent does during a turn: `python -m examples.watching.sync`."""

import tempfile

from codex_app_server import ApprovalMode, Codex, CodexConfig, Sandbox
from codex_app_server.types import TurnCompletedNotification

from .display import WATCHED, Display


def main(config: CodexConfig | None = None) -> None:
    """Watch a turn that plans, writes a file and runs a command."""
    display = Display()
    with tempfile.TemporaryDirectory() as directory, Codex(config) as codex:
        thread = codex.thread_start(
            cwd=directory,
            sandbox=Sandbox.workspace_write,
            approval_mode=ApprovalMode.deny_all,
            config={"tools.update_plan.enabled": True},  # without it, there is no plan
        )
        # One stream for the turn's events and for the rate limits, which belong to the account.
        with codex.notifications(*WATCHED, TurnCompletedNotification) as events:
            turn = thread.turn("Plan it, then write the tides into log.txt, then show the file.")
            for event in events:
                if isinstance(event.payload, TurnCompletedNotification):
                    break
                display.show(event)
        # The events above were copies: the turn's own are still there.
        print("answer:", turn.run().final_response)


if __name__ == "__main__":
    main()
