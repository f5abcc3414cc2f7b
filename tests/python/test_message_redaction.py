"""Secrets are taken out of the protocol's messages, and a message stays the JSON that it was."""

from __future__ import annotations

import json
import time

import pytest

from codex_app_server._text.messages import redacted_message
from codex_app_server.generated.notifications import PAYLOADS
from codex_app_server.generated.requests import REQUESTS, SERVER_REQUESTS

GONE = "[redacted]"
LONG_ID = "msg_0123456789abcdef0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("message", "left"),
    [
        ({"apiKey": "SECRET"}, {"apiKey": GONE}),
        ({"access_token": "SECRET", "refreshToken": "SECRET"}, {"access_token": GONE, "refreshToken": GONE}),
        ({"headers": {"Authorization": "Basic SECRET"}}, {"headers": {"Authorization": GONE}}),
        ({"env": {"OTHER_KEY": "SECRET", "HOME": "/h"}}, {"env": {"OTHER_KEY": GONE, "HOME": "/h"}}),
        ({"tokens": {"a": "SECRET", "b": ["SECRET"]}}, {"tokens": {"a": GONE, "b": [GONE]}}),
        ({"password": 1234, "secrets": [1, True, None]}, {"password": GONE, "secrets": [GONE, True, None]}),
        ({"keyPath": "a.b.api_key", "value": "SECRET"}, {"keyPath": "a.b.api_key", "value": GONE}),
        ({"value": {"x": "SECRET"}, "name": "Cookie"}, {"value": {"x": GONE}, "name": "Cookie"}),
        ({"x.query_params": {"code": "SECRET", "v": "1"}}, {"x.query_params": {"code": GONE, "v": "1"}}),
        ({"pem": "-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n"}, {"pem": f"{GONE}\n"}),
        ({"command": ["x", "--api-key", "SECRET", "y"]}, {"command": ["x", "--api-key", GONE, "y"]}),
        ({"command": ["x", "--token=SECRET"]}, {"command": ["x", "--token=[redacted]"]}),
        ({"userCode": "SECRET", "exitCode": 1}, {"userCode": GONE, "exitCode": 1}),
        (
            {"id": 1, "method": "account/login/start", "params": {"type": "new", "x": "SECRET", "y": [1]}},
            {"id": 1, "method": "account/login/start", "params": {"type": "new", "x": GONE, "y": [GONE]}},
        ),
        ({"delta": "it is sk-SECRET-789\nand more"}, {"delta": "it is [redacted]\nand more"}),
        ({"delta": "Authorization: x SECRET\n\"more\""}, {"delta": "Authorization: [redacted]\n\"more\""}),
        ({"authUrl": "https://x.example/?code=SECRET"}, {"authUrl": "https://x.example/?code=[redacted]"}),
        ({"itemId": "sk-" + "SECRET1" * 10}, {"itemId": GONE}),
    ],
)  # fmt: skip
def test_secrets_are_left_out_wherever_they_stand(message: object, left: object) -> None:
    for separators in ((",", ":"), (", ", ": ")):
        line = json.dumps(message, separators=separators)
        without = redacted_message(line)
        assert json.loads(without) == left
        assert "SECRET" not in without


@pytest.mark.parametrize(
    "message",
    [
        {"method": "item/agentMessage/delta", "params": {"itemId": LONG_ID, "delta": "a", "n": 1.5e3}},
        {"tokenUsage": {"totalTokens": 5, "maxOutputTokens": 7, "inputTokens": 0}},
        {"env_key": "OPENAI_API_KEY", "nothing": None, "key": "left", "value": "kept"},
        {"delta": "\u2028\u00e9 \"quoted\" \\ {[:,]}"},
        {"type": "apiKey"},
    ],
)  # fmt: skip
def test_what_holds_no_secret_is_left_as_it_is(message: object) -> None:
    for ascii_only in (True, False):
        line = json.dumps(message, ensure_ascii=ascii_only)
        assert redacted_message(line) == line


def test_every_method_of_the_protocol_is_kept() -> None:
    for method in (*PAYLOADS, *REQUESTS, *SERVER_REQUESTS):
        line = json.dumps({"method": method, "params": {}})
        assert redacted_message(line) == line


@pytest.mark.parametrize(
    "message",
    [
        {"apiKey": "SECRET word \" SECRET"},
        {"headers": {"authorization": "x SECRET"}},
        {"keyPath": "a.token", "value": "SECRET"},
        {"method": "account/login/start", "params": {"apiKey": "SECRET"}},
        {"delta": "Cookie: SECRET"},
        {"pem": "-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----"},
    ],
)  # fmt: skip
def test_a_message_that_was_cut_off_anywhere_shows_nothing_more(message: object) -> None:
    line = json.dumps(message)
    for end in range(len(line)):
        assert "SECRET" not in redacted_message(line[:end], is_cut=True), line[:end]


def test_the_last_word_of_what_was_cut_off_may_be_part_of_a_secret() -> None:
    assert redacted_message('{"text": "a Abcdef0123456789', is_cut=True) == '{"text": "a '


@pytest.mark.parametrize(
    "line", ["token=SECRET", '{"a": "b" sk-SECRET-1 "c"}', "{ password: SECRET }", '"sk-SECRET-12']
)
def test_what_is_no_json_is_text(line: str) -> None:
    assert "SECRET" not in redacted_message(line)


def test_escapes_hide_no_secret_and_break_nothing() -> None:
    assert redacted_message(r'{"api\u004bey": "SECRET"}') == r'{"api\u004bey": "[redacted]"}'
    assert redacted_message(r'{"x": "s\u006b-SECRET-12"}') == '{"x": "[redacted]"}'
    assert redacted_message('{"x": "ab\\', is_cut=True) == '{"x": "ab\\'
    assert redacted_message('{"x": "ab\\u00', is_cut=True).startswith('{"x": "ab')


@pytest.mark.alone
def test_it_takes_no_longer_for_many_quotes_and_brackets() -> None:
    for line in ('{"' + "\\" * 16_000, "{" + "[" * 16_000, '{"' * 8_000, '{"x":"' + "\\u0041" * 2_600):
        begun = time.perf_counter()
        redacted_message(line, is_cut=True)
        assert time.perf_counter() - begun < 1


@pytest.mark.alone
def test_it_takes_no_longer_for_a_long_word_before_the_last_one() -> None:
    word = "A" * 15_000
    begun = time.process_time()
    assert redacted_message(f'{{"x":"{word}","text":"b bb', is_cut=True) == f'{{"x":"{word}","text":"b '
    assert time.process_time() - begun < 0.2
