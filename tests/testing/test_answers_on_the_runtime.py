"""Each kind of answer, played to the real runtime, and the notifications that come of it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from codex_app_server import ApprovalMode, Codex, LocalImageInput, SkillInput, TextInput, Thread
from codex_app_server.models import Notification
from codex_app_server.testing import (
    Answer,
    CustomToolCall,
    Event,
    FunctionCall,
    Message,
    ModelRequest,
    OfflineModel,
    Pause,
    Reasoning,
    Usage,
)
from tests.wishes import command, shell

from .conftest import Play


def _payloads(events: list[Notification], method: str) -> list[Any]:
    return [event.payload for event in events if event.method == method]


def _deltas(events: list[Notification]) -> list[str]:
    return [payload.delta for payload in _payloads(events, "item/agentMessage/delta")]


def _items(events: list[Notification], kind: str) -> list[Any]:
    items = [payload.item.root for payload in _payloads(events, "item/completed")]
    return [item for item in items if item.type == kind]


def test_without_a_script_the_prompt_comes_back_word_by_word(model: OfflineModel, thread: Thread) -> None:
    model.reset()
    assert _deltas(list(thread.turn("Grüße an  alle\n🌍!").stream())) == ["Grüße ", "an  ", "alle\n", "🌍!"]


def test_a_message_in_chunks_keeps_the_chunks(play: Play) -> None:
    events = play(Answer(Message(["one ", "", "two", "\nthree"])))
    assert _deltas(events) == ["one ", "two", "\nthree"]
    assert [item.text for item in _items(events, "agentMessage")] == ["one two\nthree"]


def test_messages_carry_their_phases(play: Play) -> None:
    events = play(
        Answer(Message("Looking.", phase="commentary"), Message("Found.", phase="final_answer"), "x")
    )
    phases = [
        (item.text, item.phase.value if item.phase else None) for item in _items(events, "agentMessage")
    ]
    assert phases == [("Looking.", "commentary"), ("Found.", "final_answer"), ("x", None)]


def test_reasoning_streams_its_summary_and_its_text(play: Play) -> None:
    events = play(Answer(Reasoning(summary=["sum", "mary"], text="raw thoughts"), "done"))
    assert [p.delta for p in _payloads(events, "item/reasoning/summaryTextDelta")] == ["sum", "mary"]
    assert [p.delta for p in _payloads(events, "item/reasoning/textDelta")] == ["raw ", "thoughts"]
    (item,) = _items(events, "reasoning")
    assert (item.summary, item.content) == (["summary"], ["raw thoughts"])


def test_paced_chunks_take_their_time(play: Play) -> None:
    events = play(Answer(Message(["a", "b", "c"], chunk_delay_s=0.05), Pause(0.05)))
    (completed,) = _payloads(events, "turn/completed")
    assert _deltas(events) == ["a", "b", "c"]
    assert completed.turn.duration_ms >= 200


def test_the_usage_is_what_was_scripted(play: Play) -> None:
    usage = Usage(input_tokens=11, output_tokens=7, cached_input_tokens=3, reasoning_output_tokens=2)
    (reported,) = _payloads(play(Answer("x", usage=usage)), "thread/tokenUsage/updated")
    last = reported.token_usage.last
    assert (last.input_tokens, last.output_tokens, last.cached_input_tokens) == (11, 7, 3)
    assert (last.reasoning_output_tokens, last.total_tokens) == (2, 18)


def test_usage_that_is_not_scripted_counts_words_and_chunks(model: OfflineModel, thread: Thread) -> None:
    model.reset(Answer(Reasoning("ab cd"), "e f g"))
    usage = thread.run("four words of prompt").usage
    assert usage is not None
    assert (usage.last.input_tokens, usage.last.output_tokens, usage.last.reasoning_output_tokens) == (
        4,
        5,
        2,
    )


def test_a_function_call_runs_the_runtimes_tool_and_its_output_comes_back(
    model: OfflineModel, play: Play
) -> None:
    events = play([Answer(shell("echo the-output")), "all done"])
    (item,) = _items(events, "commandExecution")
    assert item.aggregated_output == f"the-output{os.linesep}"
    assert _deltas(events) == ["all ", "done"]
    first, second = model.requests
    assert first.tool_outputs == ()
    assert "the-output" in second.tool_outputs[0]
    assert (first.prompt, second.prompt, first.turn_id) == ("go", "go", second.turn_id)


def test_a_custom_tool_call_applies_a_patch(model: OfflineModel, play: Play) -> None:
    patch = "*** Begin Patch\n*** Add File: new.txt\n+hello\n*** End Patch\n"
    events = play([Answer(CustomToolCall("apply_patch", patch)), "patched"])
    assert len(_items(events, "fileChange")) == 1
    assert (model.workspace / "new.txt").read_text() == "hello\n"


def test_arguments_that_are_no_json_reach_the_runtime_as_they_are(model: OfflineModel, play: Play) -> None:
    play([Answer(FunctionCall("exec_command", "{broken")), "recovered"])
    (call,) = [item for item in model.requests[1].input if item["type"] == "function_call"]
    assert call["arguments"] == "{broken"
    assert "failed to parse" in model.requests[1].tool_outputs[0]


def test_a_raw_event_says_what_the_parts_cannot(play: Play) -> None:
    search = {"type": "web_search_call", "id": "ws_1", "action": {"type": "search", "query": "codex"}}
    events = play(
        Answer(
            Event({"type": "response.of_tomorrow"}),
            Event({"type": "response.output_item.done", "item": search}),
            "done",
        )
    )
    assert [item.query for item in _items(events, "webSearch")] == ["codex"]


def test_an_answer_without_parts_completes_the_turn_without_a_message(play: Play) -> None:
    events = play(Answer())
    assert _items(events, "agentMessage") == []
    assert _payloads(events, "turn/completed")[0].turn.status.value == "completed"


def test_ids_depend_on_the_number_of_the_request_alone(play: Play) -> None:
    script = [Answer(FunctionCall("exec_command", {"cmd": "true"})), Answer(Reasoning("hm"), "done")]
    for _ in range(2):
        events = play(script)
        kinds = ("commandExecution", "reasoning", "agentMessage")
        assert [_items(events, kind)[0].id for kind in kinds] == ["call_1_1", "rs_2_1", "msg_2_2"]


def test_a_mapping_answers_by_prompt_and_by_pattern(model: OfflineModel, thread: Thread) -> None:
    model.reset({"hello": "exact", re.compile("^h"): ["first", "second"], re.compile(""): "rest"})
    prompts = ["hello", "hi", "ho", "bye", "hello"]
    answers = [thread.run(prompt).final_response for prompt in prompts]
    assert answers == ["exact", "first", "second", "rest", "exact"]


def test_a_responder_sees_the_request_and_decides(model: OfflineModel, thread: Thread) -> None:
    def responder(request: ModelRequest) -> str | Answer | None:
        if request.prompt == "echo":
            return None
        if request.tool_outputs:
            return "ran"
        return Answer(FunctionCall("exec_command", {"cmd": "true"}))

    model.reset(responder)
    assert [thread.run(prompt).final_response for prompt in ("echo", "run")] == ["echo", "ran"]


def test_a_request_tells_who_asks_and_with_what(model: OfflineModel, thread: Thread) -> None:
    model.reset()
    handle = thread.turn("who?")
    handle.run()
    (request,) = model.requests
    assert (request.number, request.path, request.kind) == (1, "/v1/responses", "turn")
    assert (request.thread_id, request.turn_id) == (thread.id, handle.id)
    assert request.headers["content-type"] == "application/json"
    assert request.body == json.loads(request.content)
    assert request.body["model"] == request.model
    assert "exec" in " ".join(request.tool_names)


def test_the_prompt_is_the_users_text_and_not_the_runtimes_context() -> None:
    with OfflineModel() as model:
        skill = model.workspace / ".codex" / "skills" / "greet" / "SKILL.md"
        skill.parent.mkdir(parents=True)
        skill.write_text("---\nname: greet\ndescription: Greets.\n---\nGreet.", encoding="utf-8")
        (model.workspace / "AGENTS.md").write_text("Be kind.", encoding="utf-8")
        image = model.workspace / "pixel.png"
        image.write_bytes(_PIXEL)
        texts: list[TextInput | SkillInput] = [TextInput("use $greet"), SkillInput("greet", str(skill))]
        with Codex(model.config()) as codex:
            codex.thread_start().run([*texts, LocalImageInput(str(image)), TextInput("second text")])
        (request,) = model.requests
    assert request.prompt == "use $greet\nsecond text"
    written = [str(item["content"]) for item in request.input if item.get("role") == "user"]
    assert "Be kind." in written[0]
    assert "input_image" in written[1]
    assert "<skill>" in written[2]


def test_a_compaction_is_told_from_a_turn(model: OfflineModel, thread: Thread) -> None:
    model.reset()
    thread.run("remember this")
    thread.compact()
    model.wait_for_requests(2)
    assert [request.kind for request in model.requests] == ["turn", "compaction"]


@pytest.mark.parametrize("outcome", ["allow", "deny"])
def test_an_automatic_review_is_told_from_a_turn(
    model: OfflineModel, codex: Codex, outcome: str, tmp_path: Path
) -> None:
    target = tmp_path / "reviewed"

    def responder(request: ModelRequest) -> str | Answer:
        if request.kind == "guardian":
            verdict = {
                "risk_level": "low",
                "user_authorization": "high",
                "outcome": outcome,
                "rationale": ".",
            }
            return json.dumps(verdict)
        return "done" if request.tool_outputs else Answer(command(f"echo x > {target}"))

    model.reset(responder)
    reviewed = codex.thread_start(approval_mode=ApprovalMode.auto_review)
    reviewed.run("touch it")
    assert [request.kind for request in model.requests] == ["turn", "guardian", "turn"]
    assert target.exists() is (outcome == "allow")


_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
