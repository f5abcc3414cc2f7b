"""Approvals on a web page: `python -m examples.approvals_web.async`."""

import asyncio
from collections.abc import Callable

from codex_app_server import ApprovalMode, AsyncCodex, CodexConfig, Sandbox
from examples.approvals.wish import APPROVALS
from examples.approvals_web.site import Site

PROMPT = (
    "Write 'High tide at noon.' into log.txt. Then ring the bell twice, by 'echo Ding' outside of your "
    "sandbox. Then delete log.txt, also outside of it."
)


async def main(config: CodexConfig | None = None, show: Callable[[object], object] = print) -> None:
    """Let the agent work, and show each of its wishes on a page."""
    # These wait until the page has answered them. Whatever else is asked is refused.
    async with AsyncCodex(config) as codex, codex.requests(*APPROVALS):
        site = Site(codex)
        serving = asyncio.create_task(site.serve())
        try:
            show(f"Open {site.link}")
            thread = await codex.thread_start(approval_mode=ApprovalMode.ask, sandbox=Sandbox.read_only)
            show((await thread.run(PROMPT)).final_response)
        finally:
            site.server.should_exit = True
            await serving


if __name__ == "__main__":
    asyncio.run(main())
