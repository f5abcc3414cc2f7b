"""Approvals in the terminal: `python -m examples.approvals.sync`."""

from codex_app_server import ApprovalMode, Codex, CodexConfig, RequestSettledError, Sandbox
from codex_app_server.requests import CommandApproval, FileChangeApproval, ServerRequest

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


def on_request(request: ServerRequest) -> None:
    """Show what the agent wants, and pass the answer on."""
    match request:
        case CommandApproval():
            print(f"\nThe agent wants to run: {visible(request.command)}\nin {visible(request.cwd)}")
            decide(request)
        case FileChangeApproval():
            print("\nThe agent wants to change files:")
            # Its lines are indented, so that none can pass for one of this program's.
            print("\n".join(f"  | {visible(line)}" for line in (request.diff or "(not known)").splitlines()))
            decide(request)
        case _:
            request.refuse()


def decide(request: CommandApproval | FileChangeApproval) -> None:
    """Ask the person."""
    if request.reason:
        print(f"It says: {visible(request.reason)}")
    try:
        answer = input("[y]es, [n]o, [a]lways in this thread? ").strip().lower()
    except EOFError:  # nobody is there
        answer = ""
    try:
        if answer in ("y", "yes"):
            request.accept()
        elif answer in ("a", "always"):
            request.accept_for_session()
        else:
            request.decline()
    except RequestSettledError as error:  # the turn may end while somebody thinks
        print(error)


def visible(text: object) -> str:
    """A text of the agent's, with nothing in it that moves the cursor or turns the line around."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in str(text))


if __name__ == "__main__":
    main()
