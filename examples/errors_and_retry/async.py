"""What can go wrong, and what to do about it: `python -m examples.errors_and_retry.async`."""

import asyncio

from codex_app_server import (
    AsyncCodex,
    CodexConfig,
    CodexError,
    InvalidInputError,
    InvalidRequestError,
    LaunchError,
    TransportClosedError,
    TurnFailedError,
    async_retry_on_overload,
)


async def main(config: CodexConfig | None = None) -> None:
    """Provoke some errors and take them well."""
    # Nothing to start: the message names the cause and the fix, and nothing is left running.
    try:
        async with AsyncCodex(CodexConfig(codex_bin="/nowhere/codex")):
            pass
    except LaunchError as error:
        print(f"{type(error).__name__}: {error}")

    try:
        async with AsyncCodex(config) as codex:
            await use(codex)
    except TransportClosedError as error:
        # The runtime went away: exit code, signal and the end of its stderr are attributes.
        print(f"The runtime is gone: {error.reason}")
    except CodexError as error:
        # The root of all of them.
        print(f"{type(error).__name__}: {error}")


async def use(codex: AsyncCodex) -> None:
    """Errors of one request or one turn leave the client as it was."""
    thread = await codex.thread_start()

    try:
        await thread.run("")
    except InvalidInputError as error:  # nothing was sent
        print(f"{type(error).__name__}: {error}")

    try:
        await codex.thread_resume("0199a213-81c0-7800-8aa1-bbab2a035a53")
    except InvalidRequestError as error:  # the runtime refused
        print(f"{type(error).__name__}: {error}")

    try:
        other = await codex.thread_start(model="no-such-model")
        await other.run("Hello?")
    except TurnFailedError as error:  # the turn was started, but did not complete
        print(f"{type(error).__name__}: {error}")

    # The client itself sends again what the runtime was too busy to take; this goes on for longer.
    result = await async_retry_on_overload(lambda: thread.run("Are you still there?"), max_attempts=5)
    print(result.final_response)


if __name__ == "__main__":
    asyncio.run(main())
