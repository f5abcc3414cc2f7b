"""The low-level client: requests by the wire's names, events by turn, a handler for approvals."""

from codex_app_server.client import CodexClient
from codex_app_server.types import ThreadReadResponse


def answer(method: str, params: object) -> dict[str, object]:
    """Says no to everything that the runtime asks."""
    print("asked:", method)
    return {"decision": "decline"}


with CodexClient(approval_handler=answer) as client:
    client.initialize()
    thread_id = client.thread_start({"approvalPolicy": "on-request", "sandbox": "read-only"}).thread.id
    turn = client.turn_start(thread_id, "Leave the sandbox.").turn
    print(client.wait_for_turn_completed(turn.id).turn.status.value)
    for delta in client.stream_text(thread_id, "Say it in pieces."):
        print(delta.delta, end="|")
    print()
    params = {"threadId": thread_id, "includeTurns": True}
    read = client.request("thread/read", params, response_model=ThreadReadResponse)
    print([item.root.type for turn in read.thread.turns for item in turn.items])
    heard = set()
    while "thread/started" not in heard:
        heard.add(client.next_notification().method)
    print("heard of the thread")
