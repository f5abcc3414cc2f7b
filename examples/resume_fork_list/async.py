"""Threads outlive the client that made them: `python -m examples.resume_fork_list.async`."""

import asyncio

from codex_app_server import AsyncCodex, CodexConfig


async def main(config: CodexConfig | None = None) -> None:
    """Leave a thread, come back to it, fork it, find both, put them away."""
    async with AsyncCodex(config) as codex:
        thread = await codex.thread_start()
        await thread.run("My boat is called Halcyon.")
        await thread.set_name("About boats")
        thread_id = thread.id

    # Another program, another day.
    async with AsyncCodex(config) as codex:
        thread = await codex.thread_resume(thread_id)
        result = await thread.run("What is my boat called?")
        print(result.final_response)

        # The fork knows all that was said, and goes its own way from here.
        fork = await codex.thread_fork(thread.id)
        result = await fork.run("Suggest a name for her dinghy.")
        print(result.final_response)

        history = await thread.read(include_turns=True)
        print(f"{history.thread.name}: {len(history.thread.turns)} turns")

        page = await codex.thread_list(limit=20)
        for found in page.data:
            if found.id in (thread.id, fork.id):
                print(f"listed: {found.preview}")

        # Archived threads can be brought back with thread_unarchive().
        await codex.thread_archive(fork.id)
        await codex.thread_archive(thread.id)


if __name__ == "__main__":
    asyncio.run(main())
