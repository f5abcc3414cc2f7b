"""What programs catch today, they catch tomorrow."""

from codex_app_server import Codex, CodexConfig, InvalidRequestError, TransportClosedError, retry_on_overload

try:
    Codex(CodexConfig(codex_bin="/nowhere/codex"))
except FileNotFoundError:
    print("no such runtime")

with Codex() as codex:
    try:
        codex.thread_resume("0199a5c0-1111-7000-8000-000000000001")
    except InvalidRequestError as error:
        print(error.code, error.message)

    try:
        codex.thread_start().run("Fail, please.")
    except RuntimeError as error:
        print("failed:", error)

    print(len(retry_on_overload(codex.models, max_attempts=2).data) > 0)

try:
    codex.models()
except TransportClosedError:
    print("closed")
