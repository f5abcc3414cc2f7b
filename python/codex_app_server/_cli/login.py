"""`login`, `login status` and `logout`: the package's own login handles, for a person at a terminal.

Owns what is said meanwhile. A key comes from stdin and goes to the runtime; it stands in nothing that is
printed. What is left in the middle is cancelled by the handles.
"""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING

from .._config import CodexConfig
from ..errors import InvalidInputError

if TYPE_CHECKING:
    import argparse

    from .._sync.client import Codex
    from ..generated.v2_all import AccountLoginCompletedNotification, GetAccountResponse

NOBODY = "Not logged in"


def run(options: argparse.Namespace) -> int:
    """Log in, or show who is logged in; returns the exit code."""
    is_status = options.action == "status"
    if is_status and (options.device_auth or options.with_api_key):
        options.parser.error("status is not a way to log in")
    # Before a runtime is started, which would wait for a person who types.
    key = _read_key() if options.with_api_key else None
    with _codex(options) as codex:
        if is_status:
            return _show(codex)
        if key is not None:
            codex.login_api_key(key)
            return _show(codex)
        end = _by_code(codex) if options.device_auth else _in_browser(codex)
        if not end.success:
            print(f"error: The login failed: {end.error or 'the runtime gives no reason'}.", file=sys.stderr)
            return 1
        return _show(codex)


def log_out(options: argparse.Namespace) -> int:
    """Forget who is logged in; returns the exit code."""
    with _codex(options) as codex:
        was = codex.account().account
        codex.logout()
    print(NOBODY if was is None else "Logged out")
    return 0


def describe(answer: GetAccountResponse, *, in_private: bool) -> str:
    """Who is logged in, and how. `in_private`: the person who is asks, so the address may be shown."""
    if answer.account is None:
        return NOBODY
    account = answer.account.root
    kind = str(getattr(account, "type", "unknown"))
    how = {"apiKey": "an API key", "chatgpt": "ChatGPT", "amazonBedrock": "Amazon Bedrock"}.get(kind, kind)
    plan = getattr(account, "plan_type", None)
    address = getattr(account, "email", None) if in_private else None
    more = [address, f"plan {getattr(plan, 'value', plan)}" if plan is not None else None]
    about = ", ".join(filter(None, more))
    return f"Logged in using {how}{f' ({about})' if about else ''}"


def _codex(options: argparse.Namespace) -> Codex:
    from .._sync.client import Codex

    return Codex(CodexConfig(codex_bin=options.codex_bin))


def _show(codex: Codex) -> int:
    answer = codex.account()
    print(describe(answer, in_private=True))
    return 1 if answer.account is None else 0


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
    if sys.stdin.isatty():
        key = getpass.getpass("API key (not shown): ")
    else:
        # What is no text is refused later, by an error that does not quote it.
        key = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    key = key.strip()
    if not key:
        raise InvalidInputError("There is no API key on stdin: printenv OPENAI_API_KEY | … --with-api-key")
    return key
