"""A tool that the client itself provides, called by the scripted model through the real runtime."""

from __future__ import annotations

from codex_app_server.testing import Answer, FunctionCall, OfflineModel, Script

from .wire import Wire

_TOOL = {
    "name": "look_up",
    "description": "Looks a word up.",
    "inputSchema": {"type": "object", "properties": {"word": {"type": "string"}}},
}


def test_a_dynamic_tool_is_offered_called_and_its_output_comes_back() -> None:
    script: Script = [Answer(FunctionCall("look_up", {"word": "codex"})), "A book, then."]
    with OfflineModel(script) as model, Wire(model) as wire:
        thread_id = wire.call("thread/start", {"dynamicTools": [_TOOL]})["thread"]["id"]
        prompt = {"type": "text", "text": "What is a codex?"}
        wire.call("turn/start", {"threadId": thread_id, "input": [prompt]})
        called = None
        for message in wire.messages():
            if message.get("method") == "item/tool/call":
                called = message["params"]
                content = [{"type": "inputText", "text": "a book"}]
                wire.send({"id": message["id"], "result": {"contentItems": content, "success": True}})
            if message.get("method") == "turn/completed":
                break
        assert called is not None
        assert (called["tool"], called["arguments"], called["callId"]) == (
            "look_up",
            {"word": "codex"},
            "call_1_1",
        )
        first, second = model.requests
        assert "look_up" in str(first.body)
        assert second.tool_outputs == ("a book",)
        assert second.prompt == "What is a codex?"
