"""The person at the terminal: is shown what the agent wants, and answers by a letter.

Needs a system on which `select` takes a terminal, so not Windows.
"""

from __future__ import annotations

import os
import select
import sys
import termios

from codex_app_server import RequestSettledError
from codex_app_server.requests import ServerRequest
from examples.approvals.wish import APPROVALS, Wish

# The first letter will do.
WORDS = {"accept": "yes", "grant": "yes", "accept_for_session": "always", "decline": "no"}


def on_request(request: ServerRequest) -> None:
    """Show what the agent wants, and pass the answer on."""
    if not isinstance(request, APPROVALS):
        request.refuse()
        return
    wish = Wish.of(request)
    print(f"\nThe agent wants to {wish.title}:")
    # These lines are indented, so that none can pass for one of this program's.
    print("\n".join(f"  | {line}" for line in wish.lines or ["(this program cannot show it)"]))
    for note in wish.notes:
        print(note)
    choices = ", ".join(f"[{WORDS[answer][0]}]{WORDS[answer][1:]}" for answer in wish.answers)
    typed = ask(f"{choices}? ", request)
    if typed is None:
        return
    answer = next((each for each in wish.answers if typed in (WORDS[each], WORDS[each][0])), "decline")
    try:
        getattr(request, answer)()
    except RequestSettledError as error:  # in this very moment
        print(error)


def ask(question: str, request: ServerRequest) -> str | None:
    """What a person types, or "" if nobody is there; None if the request is settled before.

    `input()` could not be taken back. It would still wait for the line when the turn is over, and the end of
    the program would find the lock of `sys.stdin` taken, or the terminal without its echo.
    """
    terminal = sys.stdin.fileno()
    if os.isatty(terminal):
        # What was typed before the question was there is no answer to it.
        termios.tcflush(terminal, termios.TCIFLUSH)
    print(question, end="", flush=True)
    line = b""
    while not request.settled:
        if select.select([terminal], [], [], 0.1)[0]:
            # One by one: what follows the line is the next question's.
            byte = os.read(terminal, 1)
            if byte in (b"", b"\n"):
                return line.decode(errors="replace").strip().lower()
            line += byte
    # Not by print(): the program may be ending, and would find the lock of `sys.stdout` taken.
    os.write(sys.stdout.fileno(), b"(not needed any more)\n")
    return None
