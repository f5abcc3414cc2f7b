"""A client that hangs up ends its response, and nobody hears of it."""

from __future__ import annotations

import json
import random
import socket
import threading

import pytest

from codex_app_server import Codex
from codex_app_server.testing import Answer, Message, OfflineModel

# About a write in each round of the server's loop, so that hanging up meets one.
_WORDS = Answer(Message(["word "] * 30_000, chunk_delay_s=1e-6))


def test_interrupted_turns_print_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    moments = random.Random(1)
    with OfflineModel(_WORDS) as model, Codex(model.config()) as codex:
        for number in range(1, 16):
            handle = codex.thread_start().turn("go")
            model.wait_for_requests(number)
            threading.Event().wait(moments.uniform(0, 0.1))
            handle.interrupt()
            assert handle.run().status.value == "interrupted"
    assert capfd.readouterr() == ("", "")


def test_clients_that_hang_up_after_a_request_print_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    body = json.dumps({"input": [{"role": "user", "content": "x"}]}).encode()
    head = f"POST /v1/responses HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with OfflineModel(_WORDS) as model:
        port = int(model.base_url.rsplit(":", 1)[1].split("/")[0])
        for _ in range(300):
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(head + body)
        # A round trip over HTTP after them: what they sent has been read.
        with Codex(model.config()) as codex:
            model.reset("last")
            assert codex.thread_start().run("go").final_response == "last"
    assert capfd.readouterr() == ("", "")
