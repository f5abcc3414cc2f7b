"""What can go wrong, and what to do about it: `python -m examples.errors_and_retry.sync`."""

from codex_app_server import (
    Codex,
    CodexConfig,
    CodexError,
    InvalidInputError,
    InvalidRequestError,
    LaunchError,
    TransportClosedError,
    TurnFailedError,
    retry_on_overload,
)


def main(config: CodexConfig | None = None) -> None:
    """Provoke some errors and take them well."""
    # Nothing to start: the message names the cause and the fix, and nothing is left running.
    try:
        with Codex(CodexConfig(codex_bin="/nowhere/codex")):
            pass
    except LaunchError as error:
        print(f"{type(error).__name__}: {error}")

    try:
        with Codex(config) as codex:
            use(codex)
    except TransportClosedError as error:
        # The runtime went away: exit code, signal and the end of its stderr are attributes.
        print(f"The runtime is gone: {error.reason}")
    except CodexError as error:
        # The root of all of them.
        print(f"{type(error).__name__}: {error}")


def use(codex: Codex) -> None:
    """Errors of one request or one turn leave the client as it was."""
    thread = codex.thread_start()

    try:
        thread.run("")
    except InvalidInputError as error:  # nothing was sent
        print(f"{type(error).__name__}: {error}")

    try:
        codex.thread_resume("0199a213-81c0-7800-8aa1-bbab2a035a53")
    except InvalidRequestError as error:  # the runtime refused
        print(f"{type(error).__name__}: {error}")

    try:
        codex.thread_start(model="no-such-model").run("Hello?")
    except TurnFailedError as error:  # the turn was started, but did not complete
        print(f"{type(error).__name__}: {error}")

    # The client itself sends again what the runtime was too busy to take; this goes on for longer.
    result = retry_on_overload(lambda: thread.run("Are you still there?"), max_attempts=5)
    print(result.final_response)


if __name__ == "__main__":
    main()
