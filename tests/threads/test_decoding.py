"""Threads that decode at once, and that need the same models for the first time at the same moment."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from typing import Any

import pytest

from codex_app_server._incoming import fast
from codex_app_server._incoming.decoding import decoder, payload
from codex_app_server.generated.notifications import payload_model
from tests.threads.crowd import HAS_GIL, at_once

CROWD = 16

# The threads of a new interpreter take the models that a turn needs and many others, each in an order of its
# own, and validate with them. Nothing is loaded before.
FIRST_USE = """
import sys, threading
from pydantic import ValidationError
from pydantic._internal import _model_construction
from codex_app_server import types
from codex_app_server._incoming.decoding import decoder, payload
from codex_app_server.generated import v2_all
from codex_app_server.generated.notifications import PAYLOADS, payload_model

CROWD = 16
barrier = threading.Barrier(CROWD)
found = [None] * CROWD
built = []
build_model = _model_construction.complete_model_class

def noted(model, *args, **kwargs):
    done = build_model(model, *args, **kwargs)
    if done:
        built.append(model)
    return done

_model_construction.complete_model_class = noted

def errors(model):
    try:
        model.model_validate_json(b"{}")
    except ValidationError as error:
        return error.errors(include_url=False)

def build(number):
    barrier.wait()
    methods = sorted(PAYLOADS)
    methods = methods[number * 5:] + methods[:number * 5]
    models = {method: payload_model(method) for method in methods}
    decoder()
    turn = payload("turn/completed", b'{"threadId":"t","turn":{"id":"u","items":[],"status":"completed"}}')
    missing = {method: errors(model) for method, model in models.items()}
    found[number] = (models, missing, turn, types.ThreadItem)

threads = [threading.Thread(target=build, args=(number,)) for number in range(CROWD)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
models, missing, turn, item = found[0]
assert missing["turn/completed"] and type(turn) in built
assert len(built) == len(set(built)), "a model was built twice"
for others in found:
    assert all(others[0][method] is model for method, model in models.items())
    assert others[1] == missing
    assert others[2] == turn and type(turn).__name__ == "TurnCompletedNotification"
    assert others[3] is item
print("gil" if getattr(sys, "_is_gil_enabled", lambda: True)() else "no gil")
"""


def samples() -> dict[str, bytes]:
    """The params of each method that is built natively, as they are built natively."""
    found = {}
    for method in fast.METHODS:
        model: Any = payload_model(method)
        fields = fast.fields_of(model)
        assert fields is not None
        found[method] = json.dumps(fast.sample(fields)).encode()
    return found


def test_threads_that_decode_at_once_get_what_validation_gives() -> None:
    shared = decoder()
    params = samples()
    validated = {method: payload(method, given) for method, given in params.items()}

    def decode(number: int) -> None:
        for turn in range(150):
            for method, given in params.items():
                # The third of them is validated, in the midst of a batch that shares what repeats.
                odd = json.dumps(json.loads(given) | {"more": number}).encode()
                first, second, third = shared.decode(method, [given, given, odd])
                assert first.payload == second.payload == validated[method]
                assert third.payload.model_extra == {"more": number}
                # Each has a dictionary of its own: what is changed in one is in no other.
                first.payload.thread_id = f"{number} {turn}"
                first.payload.model_fields_set.clear()
                assert second.payload == validated[method]

    at_once(CROWD, decode)


def test_the_collector_runs_while_threads_decode() -> None:
    shared = decoder()
    params = samples()["item/agentMessage/delta"]

    def work(number: int) -> int:
        if number == 0:
            return sum(gc.collect() >= 0 for _ in range(20))
        kept = [shared.decode("item/agentMessage/delta", [params] * 50) for _ in range(100)]
        return sum(one.payload.delta == "text ✓" for events in kept for one in events)

    assert at_once(5, work) == [20, 5000, 5000, 5000, 5000]


@pytest.mark.timeout(180)
def test_models_are_built_once_for_threads_that_need_them_at_the_same_moment() -> None:
    path = os.pathsep.join(entry for entry in sys.path if entry)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FIRST_USE],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ("gil" if HAS_GIL else "no gil")
