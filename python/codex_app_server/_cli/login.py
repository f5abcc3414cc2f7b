"""`login`, `login status` and `logout`: the package's own login handles, for a person at a terminal.

Owns what is said meanwhile. A key comes from stdin and goes to the runtime; it stands in nothing that is
printed. What is left in the middle is cancelled by the handles.
"""

from __future__ import annotations

import getpass
import os
import sys
from typing import TYPE_CHECKING

from .._launch.config import CodexConfig
from ..errors import InvalidInputError
from .installation import missing
from .report import printable

if TYPE_CHECKING:
    import argparse

    from .._sync.client import Codex
    from ..generated.v2_all import AccountLoginCompletedNotification, GetAccountResponse

# The exit code of `login status`; 1 says that nothing could be found out.
NOT_LOGGED_IN = 3


def run(options: argparse.Namespace) -> int:
    """Log in, or show who is logged in; returns the exit code."""
    is_status = options.action == "status"
    if not is_status:
        options.when_interrupted = "Login cancelled."
    # Before a runtime is started, which would wait for a person who types.
    key = _read_key() if options.with_api_key else None
    with _codex(options) as codex:
        if is_status:
            answer = codex.account()
            print(describe(answer, in_private=True))
            return NOT_LOGGED_IN if is_missing(answer) else 0
        if key is not None:
            codex.login_api_key(key)
        else:
            end = _by_code(codex) if options.device_auth else _in_browser(codex)
            if not end.success:
                reason = printable(end.error or "no reason is given")
                print(f"error: The login failed: {reason}.", file=sys.stderr)
                return 1
        answer = codex.account()
        # A model that needs no login has none to tell of, though it is kept.
        print(describe(answer, in_private=True) if answer.account is not None else "Logged in")
        return 0


def log_out(options: argparse.Namespace) -> int:
    """Forget who is logged in; returns the exit code."""
    with _codex(options) as codex:
        codex.logout()
    print("Logged out")
    return 0


def is_missing(answer: GetAccountResponse) -> bool:
    """Whether nobody is logged in though the configured model needs it."""
    return answer.account is None and answer.requires_openai_auth


def describe(answer: GetAccountResponse, *, in_private: bool) -> str:
    """Who is logged in, and how. `in_private`: the person who is asks, so the address may be shown."""
    if answer.account is None:
        return "Not logged in" if is_missing(answer) else "Not logged in; the configured model needs no login"
    account = answer.account.root
    kind = str(getattr(account, "type", "unknown"))
    how = {"apiKey": "an API key", "chatgpt": "ChatGPT", "amazonBedrock": "Amazon Bedrock"}.get(kind, kind)
    plan = getattr(account, "plan_type", None)
    address = getattr(account, "email", None) if in_private else None
    more = [address, f"plan {getattr(plan, 'value', plan)}" if plan is not None else None]
    about = ", ".join(filter(None, more))
    return printable(f"Logged in using {how}{f' ({about})' if about else ''}")


def _codex(options: argparse.Namespace) -> Codex:
    from .._sync.client import Codex

    home = os.environ.get("CODEX_HOME")
    if home and not os.path.exists(home):
        raise InvalidInputError(": ".join(missing(home)))
    return Codex(
        CodexConfig(
            codex_bin=options.codex_bin,
            startup_timeout_s=options.timeout,
            request_timeout_s=options.timeout,
        )
    )


def _in_browser(codex: Codex) -> AccountLoginCompletedNotification:
    with codex.login_chatgpt() as login:
        _say("Open this address in a browser on this machine:", "", f"  {login.auth_url}", "")
        _say("No browser here? Stop this with Ctrl-C and use --device-auth.", "Waiting …")
        return login.wait()


def _by_code(codex: Codex) -> AccountLoginCompletedNotification:
    with codex.login_chatgpt_device_code() as login:
        _say("Open this address in a browser on any machine:", "", f"  {login.verification_url}", "")
        _say("and enter the code", "", f"  {login.user_code}", "")
        _say("Do not enter a code that somebody else has sent to you.", "Waiting …")
        return login.wait()


def _say(*lines: str) -> None:
    # At once: the person has to act on it, also when the output goes through a pipe.
    print(*lines, sep="\n", flush=True)


def _read_key() -> str:
    try:
        if sys.stdin.isatty():
            key = getpass.getpass("API key (not shown): ")
        else:
            # What is no text is refused below.
            key = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    except EOFError:  # Ctrl-D, which leaves the line as it is
        print(file=sys.stderr)
        key = ""
    except OSError as error:
        raise InvalidInputError(f"The API key cannot be read from stdin: {error}") from error
    key = key.strip()
    if not key:
        raise InvalidInputError("There is no API key on stdin: printenv OPENAI_API_KEY | … --with-api-key")
    if (flaw := _flaw(key)) is not None:
        raise InvalidInputError(f"The API key on stdin has {flaw}, which no key has. Nothing was kept.")
    return key


def _flaw(key: str) -> str | None:
    """Why this can be no key: it could not be sent in a header, or a shell or an editor has added to it."""
    if any(map(str.isspace, key)):
        return "white space inside"
    if not (key.isascii() and key.isprintable()):
        return "characters other than printable ASCII"
    return "a quotation mark at an end" if {key[0], key[-1]} & set("\"'`") else None
