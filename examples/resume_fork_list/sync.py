"""Threads outlive the client that made them: `python -m examples.resume_fork_list.sync`."""

from codex_app_server import Codex, CodexConfig


def main(config: CodexConfig | None = None) -> None:
    """Leave a thread, come back to it, fork it, find both, put them away."""
    with Codex(config) as codex:
        thread = codex.thread_start()
        thread.run("My boat is called Halcyon.")
        thread.set_name("About boats")
        thread_id = thread.id

    # Another program, another day.
    with Codex(config) as codex:
        thread = codex.thread_resume(thread_id)
        result = thread.run("What is my boat called?")
        print(result.final_response)

        # The fork knows all that was said, and goes its own way from here.
        fork = codex.thread_fork(thread.id)
        result = fork.run("Suggest a name for her dinghy.")
        print(result.final_response)

        history = thread.read(include_turns=True)
        print(f"{history.thread.name}: {len(history.thread.turns)} turns")

        page = codex.thread_list(limit=20)
        for found in page.data:
            if found.id in (thread.id, fork.id):
                print(f"listed: {found.preview}")

        # Archived threads can be brought back with thread_unarchive().
        codex.thread_archive(fork.id)
        codex.thread_archive(thread.id)


if __name__ == "__main__":
    main()
