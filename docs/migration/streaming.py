"""The events of a turn, as typed payloads."""

from codex_app_server import Codex
from codex_app_server.models import AgentMessageDeltaNotification, ItemCompletedNotification
from codex_app_server.types import TurnCompletedNotification

with Codex() as codex:
    turn = codex.thread_start().turn("Suggest three names for a small boat.")
    for event in turn.stream():
        if isinstance(event.payload, AgentMessageDeltaNotification):
            print(event.payload.delta, end="")
        elif isinstance(event.payload, ItemCompletedNotification):
            print(f"[{event.payload.item.root.type}]")
        elif isinstance(event.payload, TurnCompletedNotification):
            print(event.method, event.payload.turn.status.value)
