"""A thread, two turns."""

from codex_app_server import Codex, Sandbox

with Codex() as codex:
    print(codex.metadata.serverInfo is not None)
    thread = codex.thread_start(sandbox=Sandbox.read_only)
    result = thread.run("In one sentence: what is a coroutine?")
    print(result.status.value, result.final_response)
    print([item.root.type for item in result.items])
    print(thread.run("And in five words?").final_response)
