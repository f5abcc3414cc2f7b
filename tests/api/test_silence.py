"""What is printed by a program that has not configured logging: nothing, whatever there is to warn about."""

from __future__ import annotations

import subprocess
import sys

# A runtime that prints a banner, is of another version, and asks something before it answers.
RUNTIME = """
import json, sys
def send(**message):
    print(json.dumps(message), flush=True)
print("Welcome to the runtime!", flush=True)
print("\\x1b[31mcolourful\\x1b[0m", file=sys.stderr, flush=True)
for line in sys.stdin:
    message = json.loads(line)
    method = message.get("method")
    if method == "initialize":
        about = {"codexHome": "/nowhere", "platformFamily": "unix", "platformOs": "linux"}
        send(id=message["id"], result={"userAgent": "x/0.1.0 (test)", **about})
    elif method == "model/list":
        asked = message["id"]
        params = {"threadId": "t", "turnId": "u", "itemId": "i", "startedAtMs": 1}
        send(id="q", method="item/commandExecution/requestApproval", params=params)
    elif message.get("id") == "q":
        send(id=asked, result={"data": []})
"""

PROGRAM = """
import sys
from codex_app_server import Codex, CodexConfig

command = (sys.executable, "-SE", "-c", sys.argv[1])
with Codex(CodexConfig(launch_args_override=command, opt_out_notifications=("from/tomorrow",))) as codex:
    codex.models()
"""

WARNINGS = ("from/tomorrow", "Welcome to the runtime!", "0.1.0, which is older", "no handler answers it")


def run(program: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, RUNTIME]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)


def test_warnings_are_not_printed_where_logging_is_not_configured() -> None:
    done = run(PROGRAM)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_same_program_has_something_to_log() -> None:
    done = run(f"import logging; logging.basicConfig(){PROGRAM}")
    assert (done.returncode, done.stdout) == (0, "")
    assert [warning for warning in WARNINGS if warning not in done.stderr] == []
