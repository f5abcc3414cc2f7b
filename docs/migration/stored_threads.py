"""Threads are named, read, listed, forked, archived and resumed."""

from codex_app_server import Codex
from codex_app_server.types import SortDirection, ThreadSortKey

with Codex() as codex:
    thread = codex.thread_start()
    thread.run("My boat is called Halcyon.")
    thread.set_name("boats")
    print(thread.read().thread.name)

    fork = codex.thread_fork(thread.id)
    fork.run("And my dinghy?")
    print([len(one.read(include_turns=True).thread.turns) for one in (thread, fork)])

    listed = codex.thread_list(sort_key=ThreadSortKey.created_at, sort_direction=SortDirection.asc)
    print({one.id for one in listed.data} == {thread.id, fork.id})

    codex.thread_archive(fork.id)
    print(len(codex.thread_list(archived=True).data))
    codex.thread_unarchive(fork.id)
    print(codex.thread_resume(fork.id).run("Still here?").final_response)
