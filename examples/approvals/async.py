"""Approvals in the terminal: `python -m examples.approvals.async`."""

import asyncio

from codex_app_server import ApprovalMode, AsyncCodex, CodexConfig, Sandbox
from examples.approvals.terminal import on_request

PROMPT = (
    "Write 'High tide at noon.' into log.txt. Then ring the bell twice, by 'echo Ding' outside of your "
    "sandbox. Then delete log.txt, also outside of it."
)


async def main(config: CodexConfig | None = None) -> None:
    """Let the agent work, and ask a person about each of its wishes."""
    # At most one at a time: there is one terminal. No coroutine waits for it: a function has a thread of its
    # own, and the loop goes on.
    async with AsyncCodex(config, on_request=on_request, max_concurrent_requests=1) as codex:
        thread = await codex.thread_start(approval_mode=ApprovalMode.ask, sandbox=Sandbox.read_only)
        print((await thread.run(PROMPT)).final_response)


if __name__ == "__main__":
    asyncio.run(main())
