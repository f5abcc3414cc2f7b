"""Approvals in the terminal: `python -m examples.approvals.sync`."""

from codex_app_server import ApprovalMode, Codex, CodexConfig, Sandbox
from examples.approvals.terminal import on_request

PROMPT = (
    "Write 'High tide at noon.' into log.txt. Then ring the bell twice, by 'echo Ding' outside of your "
    "sandbox. Then delete log.txt, also outside of it."
)


def main(config: CodexConfig | None = None) -> None:
    """Let the agent work, and ask a person about each of its wishes."""
    # At most one at a time: there is one terminal.
    with Codex(config, on_request=on_request, max_concurrent_requests=1) as codex:
        thread = codex.thread_start(approval_mode=ApprovalMode.ask, sandbox=Sandbox.read_only)
        print(thread.run(PROMPT).final_response)


if __name__ == "__main__":
    main()
