"""What looks like a secret is taken out of a report, and nothing that the report is made for."""

from __future__ import annotations

import base64
import hashlib

import pytest

from codex_app_server._text.redaction import redacted, redacted_all
from codex_app_server.generated.definitions import DIGESTS
from codex_app_server.generated.notifications import PAYLOADS
from codex_app_server.generated.requests import REQUESTS, SERVER_REQUESTS

LONG = base64.b64encode(hashlib.sha512(b"").digest()).decode()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Authorization: Bearer sk-SECRET-789, for alice\nand more", "Authorization: [redacted]\nand more"),
        ("'authorization': 'Basic SECRET=='", "'authorization': [redacted]"),
        ("Set-Cookie: a=SECRET; b=SECRET", "Set-Cookie: [redacted]"),
        ("sent bearer SECRET to it", "sent bearer [redacted] to it"),
        ("(key sk-proj-SECRET_1234)", "(key [redacted])"),
        ("with ghp_SECRET1234, github_pat_SECRET1234", "with [redacted], [redacted]"),
        ("\x1b[31msk-SECRET-789\x1b[0m", "[redacted]"),
        ("quoted \\u{1b}[31msk-SECRET-789", "quoted [redacted]"),
        ("jwt eyJSECRETSECRET.eyJSECRET.SECRET_-", "jwt [redacted]"),
        ("AKIASECRETSECRET1234", "[redacted]"),
        ('{"api_key": "SECRET word", "other": 1}', '{"api_key": [redacted], "other": 1}'),
        ("OPENAI_API_KEY=SECRET rest", "OPENAI_API_KEY=[redacted] rest"),
        ("--password=SECRET", "--password=[redacted]"),
        ("refresh_token: SECRET", "refresh_token: [redacted]"),
        ("http://alice:SECRET@proxy.example:80/x", "http://[redacted]@proxy.example:80/x"),
        ("https://x.example/cb?code=SECRET&state=SECRET#y", "https://x.example/cb?code=[redacted]&state=[redacted]#y"),
        (f"said {LONG}.", "said [redacted]."),
        ("-----BEGIN EC PRIVATE KEY-----\nSECRET\n-----END EC PRIVATE KEY-----\nmore", "[redacted]\nmore"),
        ("cut off: -----BEGIN PRIVATE KEY-----\\nSECRET", "cut off: [redacted]"),
        ("of Alice <alice.b+c@mail.example.com>", "of Alice <[redacted]>"),
    ],
)  # fmt: skip
def test_secrets_and_addresses_are_left_out(text: str, left: str) -> None:
    assert redacted(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "codex-cli 0.163.0, packaged: /usr/lib/python3.11/site-packages/codex_cli_bin/bin/codex",
        "/nix/store/v5mpcbk1gsy2ykkpk1sv4jmd7d3rmlwz-python3-3.11.9/bin/python3.11",
        "/home/alice@corp.example/.codex is writable",
        "/opt/homebrew/opt/python@3.12/bin, /usr/lib/node_modules/@openai/codex",
        "a wheel for cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64",
        "thread 0199a213-81c0-7800-8aa1-bbab2a035a53",
        "fails on --version (exit code 3): error: no key at /tmp/x",
        "pip install openai-codex-cli-bin==0.163.0",
        "The API key is refused (401); log in again",
    ],
)
def test_what_helps_is_kept(text: str) -> None:
    assert redacted(text) == text


def test_every_name_of_the_protocol_is_kept() -> None:
    names = [*DIGESTS, *PAYLOADS, *REQUESTS, *SERVER_REQUESTS]
    assert redacted_all({"names": names, "none": None, "number": 1}) == {
        "names": names,
        "none": None,
        "number": 1,
    }


def test_a_long_word_takes_no_time() -> None:
    word = "a" * 1_000_000
    assert redacted(word) == word
