"""Approvals on a web page: `python -m examples.approvals_web.sync`."""

import threading
from collections.abc import Callable

from codex_app_server import ApprovalMode, Codex, CodexConfig, Sandbox
from examples.approvals.wish import APPROVALS
from examples.approvals_web.site import Site

PROMPT = (
    "Write 'High tide at noon.' into log.txt. Then ring the bell twice, by 'echo Ding' outside of your "
    "sandbox. Then delete log.txt, also outside of it."
)


def main(config: CodexConfig | None = None, show: Callable[[object], object] = print) -> None:
    """Let the agent work, and show each of its wishes on a page."""
    # These wait until the page has answered them. Whatever else is asked is refused.
    with Codex(config) as codex, codex.requests(*APPROVALS):
        site = Site(codex)
        serving = threading.Thread(target=site.run)
        serving.start()
        try:
            show(f"Open {site.link}")
            thread = codex.thread_start(approval_mode=ApprovalMode.ask, sandbox=Sandbox.read_only)
            show(thread.run(PROMPT).final_response)
        finally:
            site.server.should_exit = True
            serving.join()


if __name__ == "__main__":
    main()
