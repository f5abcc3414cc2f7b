# Made from _async/test_logins.py by `python scripts/make_sync.py`; do not edit.

"""Logins and the account: on the real runtime, and completions on one whose every line is forced."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import Any

import pytest

from codex_app_server import (
    ChatgptLoginHandle,
    ClientClosedError,
    Codex,
    CodexConfig,
    DeviceCodeLoginHandle,
    InternalRpcError,
    InvalidInputError,
    InvalidInputTypeError,
    InvalidRequestError,
    ParseError,
    StreamClosedError,
    TransportClosedError,
)
from codex_app_server._outgoing.logins import api_key
from codex_app_server.generated.v2_all import (
    AccountLoginCompletedNotification,
    ApiKeyAccount,
    ApiKeyLoginAccountParams,
    CancelLoginAccountStatus,
    LoginAccountParams,
)
from tests.api._sync.concurrency import Background, expected, together
from tests.leaks import assert_idle
from tests.peer import Refused, ScriptedPeer

KEY = "sk-quite-secret-4711"
NOBODYS = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def home(tmp_path: Path) -> CodexConfig:
    """The real runtime with nobody logged in, and nobody there to reach."""
    (tmp_path / "config.toml").write_text("[features]\nplugins = false\napps = false\n")
    nowhere = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    env = {"CODEX_HOME": str(tmp_path), "CODEX_APP_SERVER_DISABLE_MANAGED_CONFIG": "1", **nowhere}
    return CodexConfig(env=env)


@pytest.fixture
def scripted(peer: ScriptedPeer) -> CodexConfig:
    numbers = iter(range(100))

    def start(params: dict[str, Any]) -> dict[str, Any]:
        login_id = f"login-{next(numbers)}"
        if params["type"] == "chatgpt":
            return {"type": "chatgpt", "loginId": login_id, "authUrl": f"https://x/{login_id}"}
        return code(login_id)

    peer.answers["account/login/start"] = start
    peer.answers["account/login/cancel"] = {"status": "canceled"}
    peer.answers["model/list"] = {"data": []}
    return CodexConfig(launch_args_override=peer.argv)


def code(login_id: str) -> dict[str, Any]:
    """The answer to the start of a login by code."""
    url = "https://x/device"
    return {
        "type": "chatgptDeviceCode",
        "loginId": login_id,
        "verificationUrl": url,
        "userCode": f"CODE-{login_id}",
    }


def completed(login_id: str | None, error: str | None = None) -> dict[str, Any]:
    params = {"loginId": login_id, "success": error is None, "error": error, "onboardingEntrypoint": None}
    return {"method": "account/login/completed", "params": params, "emittedAtMs": 1_760_000_000_000}


# --- on the real runtime


def test_a_key_logs_in_until_the_logout(home: CodexConfig) -> None:
    with Codex(home) as codex:
        before = codex.account()
        assert (before.account, before.requires_openai_auth) == (None, True)
        codex.login_api_key(KEY)
        during = codex.account(refresh_token=True)
        assert during.account is not None
        assert isinstance(during.account.root, ApiKeyAccount)
        codex.logout()
        codex.logout()
        assert (codex.account()).account is None
        assert_idle(codex.stats)


def test_a_chatgpt_login_is_begun_and_cancelled(home: CodexConfig) -> None:
    with Codex(home) as codex:
        login = codex.login_chatgpt()
        assert login.auth_url.startswith("https://")
        assert (login.cancel()).status is CancelLoginAccountStatus.canceled
        end = login.wait()
        assert (end.login_id, end.success) == (login.login_id, False)
        assert end.error
        assert login.wait() is end
        assert (login.cancel()).status is CancelLoginAccountStatus.not_found
        assert_idle(codex.stats)


def test_a_new_login_ends_the_one_before_and_each_hears_of_itself(home: CodexConfig) -> None:
    with Codex(home) as codex:
        first = codex.login_chatgpt()
        second = codex.login_chatgpt()
        assert (first.wait()).login_id == first.login_id
        codex.login_api_key(KEY)
        end = second.wait()
        assert (end.login_id, end.success) == (second.login_id, False)
        assert_idle(codex.stats)


def test_a_login_that_is_left_is_cancelled(home: CodexConfig) -> None:
    with Codex(home) as codex:
        with codex.login_chatgpt() as login:
            pass
        assert (login.cancel()).status is CancelLoginAccountStatus.not_found
        assert codex.stats()["errands_sent"] == 0
        assert_idle(codex.stats)


def test_a_code_that_the_service_does_not_give_leaves_nothing(home: CodexConfig) -> None:
    with Codex(home) as codex:
        with pytest.raises(InternalRpcError, match="device code"):
            codex.login_chatgpt_device_code()
        assert_idle(codex.stats)


def test_a_handle_is_made_from_ids(home: CodexConfig) -> None:
    with Codex(home) as codex:
        begun = codex.login_chatgpt()
        same = ChatgptLoginHandle(codex, begun.login_id, begun.auth_url)
        assert same == begun
        same.cancel()
        assert (same.wait()).login_id == begun.login_id == (begun.wait()).login_id
        nobodys = DeviceCodeLoginHandle(codex, NOBODYS, "https://x", "CODE")
        assert (nobodys.cancel()).status is CancelLoginAccountStatus.not_found
        wrong = DeviceCodeLoginHandle(codex, "no uuid", "https://x", "CODE")
        with pytest.raises(InvalidRequestError, match="login id"):
            wrong.cancel()
        wrong.close()
        nobodys.close()
        assert_idle(codex.stats)
        with pytest.raises(InvalidInputTypeError, match="login_id"):
            ChatgptLoginHandle(codex, 7, "")  # type: ignore[arg-type]


# --- completions, forced


def test_a_code_is_shown_and_its_completion_awaited(scripted: CodexConfig, peer: ScriptedPeer) -> None:
    with Codex(scripted) as codex:
        login = codex.login_chatgpt_device_code()
        assert (login.verification_url, login.user_code) == ("https://x/device", "CODE-login-0")
        waiting = Background(login.wait)
        codex.models()
        peer.send(completed("somebody else's"), completed(None), completed("login-0"))
        end = waiting.result()
        assert isinstance(end, AccountLoginCompletedNotification)
        assert (end.login_id, end.success, end.error) == ("login-0", True, None)
        assert_idle(codex.stats)


def test_a_login_that_failed_is_told_and_not_raised(scripted: CodexConfig, peer: ScriptedPeer) -> None:
    with Codex(scripted) as codex:
        login = codex.login_chatgpt()
        peer.send(completed(login.login_id, "denied"))
        end = login.wait()
        assert (end.success, end.error) == (False, "denied")


def test_logins_at_once_get_each_their_own_completion(scripted: CodexConfig, peer: ScriptedPeer) -> None:
    with Codex(scripted) as codex:
        first, second = together(codex.login_chatgpt, codex.login_chatgpt_device_code)
        waits = [Background(login.wait) for login in (first, second)]
        codex.models()
        peer.send(completed(second.login_id), completed(first.login_id, "late"))
        ends = [wait.result() for wait in waits]
        assert [end.login_id for end in ends] == [first.login_id, second.login_id]
        assert [end.success for end in ends] == [False, True]
        assert_idle(codex.stats)


def test_fifty_logins_at_once_miss_no_completion(scripted: CodexConfig, peer: ScriptedPeer) -> None:
    numbers = iter(range(50))

    def start(_: dict[str, Any]) -> dict[str, Any]:
        number = next(numbers)
        # Of three, one is over before its answer, one behind it, one when all have begun.
        if number % 3 == 0:
            peer.send(completed(f"{number}", f"end of {number}"))
        elif number % 3 == 1 and number > 1:
            peer.send(completed(f"{number - 2}", f"end of {number - 2}"))
        return code(f"{number}")

    peer.answers["account/login/start"] = start
    with Codex(scripted) as codex:
        logins = together(*[codex.login_chatgpt_device_code] * 50)
        peer.send(*(completed(f"{number}", f"end of {number}") for number in range(1, 50, 3)))
        for login in logins:
            assert (login.wait()).error == f"end of {login.login_id}"
        assert_idle(codex.stats)


@pytest.mark.parametrize("early", [True, False], ids=["before the answer", "right behind the answer"])
def test_a_completion_beside_the_answer_is_not_lost(
    scripted: CodexConfig, peer: ScriptedPeer, early: bool
) -> None:
    del peer.answers["account/login/start"]
    with Codex(scripted) as codex:

        def begin() -> DeviceCodeLoginHandle:
            return codex.login_chatgpt_device_code()

        beginning = Background(begin)
        request = expected(peer, "account/login/start")
        answer = {"id": request["id"], "result": code("fast")}
        lines = [answer, completed("fast")]
        peer.send(*(reversed(lines) if early else lines))
        login = beginning.result()
        assert (login.wait()).success
        assert_idle(codex.stats)


def test_every_wait_gets_the_completion(scripted: CodexConfig, peer: ScriptedPeer) -> None:
    with Codex(scripted) as codex:
        login = codex.login_chatgpt()
        waits = [Background(login.wait) for _ in range(5)]
        codex.models()
        peer.send(completed(login.login_id))
        ends = [wait.result() for wait in waits]
        assert all(end is ends[0] for end in ends)
        assert login.wait() is ends[0]


def test_a_completion_is_kept_for_a_later_wait(scripted: CodexConfig, peer: ScriptedPeer) -> None:
    with Codex(scripted) as codex:
        login = codex.login_chatgpt()
        peer.send(completed(login.login_id))
        codex.models()
        assert (login.wait()).success
        login.close()
        assert (login.wait()).success
        assert codex.stats()["requests_written"] == 3  # no cancel


def test_a_completion_of_a_newer_runtime_is_one(scripted: CodexConfig, peer: ScriptedPeer) -> None:
    with Codex(scripted) as codex:
        login = codex.login_chatgpt()
        params = {"loginId": login.login_id, "success": True, "error": {"kind": "new"}}
        peer.send({"method": "account/login/completed", "params": params})
        end = login.wait()
        assert (end.login_id, end.success) == (login.login_id, True)


def test_a_runtime_that_dies_ends_every_wait(scripted: CodexConfig, peer: ScriptedPeer) -> None:
    with Codex(scripted) as codex:
        login = codex.login_chatgpt()
        waits = [Background(login.wait) for _ in range(3)]
        codex.models()
        peer.exit(5)
        for wait in waits:
            with pytest.raises(TransportClosedError) as caught:
                wait.result()
            assert caught.value.exit_code == 5
        with pytest.raises(TransportClosedError):
            login.wait()
        with pytest.raises(TransportClosedError):
            login.cancel()
        login.close()
        assert_idle(codex.stats)


def test_a_client_that_is_closed_ends_the_wait(scripted: CodexConfig) -> None:
    with Codex(scripted) as codex:
        login = codex.login_chatgpt()
        waiting = Background(login.wait)
        codex.models()
    with pytest.raises(ClientClosedError):
        waiting.result()


def test_a_handle_that_is_closed_ends_the_wait_and_cancels_the_login(
    scripted: CodexConfig, peer: ScriptedPeer
) -> None:
    cancelled: list[Any] = []

    def cancel(params: dict[str, Any]) -> dict[str, Any]:
        cancelled.append(params)
        return {"status": "canceled"}

    peer.answers["account/login/cancel"] = cancel
    with Codex(scripted) as codex:
        login = codex.login_chatgpt()
        waiting = Background(login.wait)
        codex.models()
        login.close()
        login.close()
        with pytest.raises(StreamClosedError, match="closed before"):
            waiting.result()
        with pytest.raises(StreamClosedError, match="closed before"):
            login.wait()
        assert cancelled == [{"loginId": "login-0"}]
        assert_idle(codex.stats)


def test_a_block_that_is_interrupted_has_the_login_cancelled(
    scripted: CodexConfig, peer: ScriptedPeer
) -> None:
    del peer.answers["account/login/cancel"]
    with Codex(scripted) as codex:
        with pytest.raises(KeyboardInterrupt):
            with codex.login_chatgpt():
                raise KeyboardInterrupt
        request = expected(peer, "account/login/cancel")
        assert request["params"] == {"loginId": "login-0"}
        peer.answer(request, {"status": "canceled"})
        codex.models()
        assert_idle(codex.stats)


def test_a_login_whose_completion_nobody_read_is_not_cancelled_by_an_interrupt(
    scripted: CodexConfig, peer: ScriptedPeer
) -> None:
    with Codex(scripted) as codex:
        login = codex.login_chatgpt()
        peer.send(completed(login.login_id))
        codex.models()
        with pytest.raises(KeyboardInterrupt):
            with login:
                raise KeyboardInterrupt
        assert codex.stats()["errands_sent"] == 0
        assert_idle(codex.stats)


def test_a_handle_that_is_dropped_leaves_the_login_to_the_person(scripted: CodexConfig) -> None:
    with Codex(scripted) as codex:
        url = (codex.login_chatgpt()).auth_url
        assert url == "https://x/login-0"
        codex.models()
        assert codex.stats()["errands_sent"] == 0
        assert_idle(codex.stats)


def test_a_login_that_is_refused_leaves_nothing(scripted: CodexConfig, peer: ScriptedPeer) -> None:
    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise Refused(-32600, "not here")

    peer.answers["account/login/start"] = refuse
    with Codex(scripted) as codex:
        for begin in (codex.login_chatgpt, codex.login_chatgpt_device_code):
            with pytest.raises(InvalidRequestError, match="not here"):
                begin()
        with pytest.raises(InvalidRequestError, match="not here"):
            codex.login_api_key(KEY)
        assert_idle(codex.stats)


def test_an_answer_of_another_kind_is_an_error_that_does_not_quote_it(
    scripted: CodexConfig, peer: ScriptedPeer
) -> None:
    peer.answers["account/login/start"] = {"type": "new", "loginId": "x", "userCode": KEY}
    with Codex(scripted) as codex:
        for begin in (codex.login_chatgpt, codex.login_chatgpt_device_code):
            with pytest.raises(ParseError) as caught:
                begin()
            assert KEY not in shown(caught.value)
        assert_idle(codex.stats)


# --- keys


def shown(error: BaseException) -> str:
    """All that a program can print of an error: its traceback's text, repr, and what it refers to."""
    parts = []
    while True:
        parts += ["".join(traceback.format_exception(error)), repr(error), repr(vars(error))]
        following = error.__cause__ or error.__context__
        if following is None:
            return "\n".join(parts)
        error = following


@pytest.mark.parametrize("key", [KEY.encode(), [KEY], {"k": KEY}, f"{KEY}\udc80"], ids=str)
def test_a_key_that_is_no_text_is_refused_and_not_repeated(peer: ScriptedPeer, key: Any) -> None:
    config = CodexConfig(launch_args_override=peer.argv)
    params = {"type": "apiKey", "apiKey": key}
    with Codex(config) as codex:
        with pytest.raises((InvalidInputError, InvalidInputTypeError), match="api_key") as caught:
            codex.login_api_key(key)
        assert KEY not in shown(caught.value)
        if not isinstance(key, str):
            with pytest.raises((InvalidInputError, InvalidInputTypeError)) as caught:
                codex.rpc.account.login.start(params=params)
            assert KEY not in shown(caught.value)
            made = ApiKeyLoginAccountParams.model_construct(type="apiKey", api_key=key)
            with pytest.raises(InvalidInputError, match=r"ApiKeyLoginAccountParams .* api_key") as caught:
                codex.request("account/login/start", made)
            assert KEY not in shown(caught.value)
        assert codex.stats()["requests_written"] == 1


def test_no_repr_and_no_validation_error_shows_a_key() -> None:
    request = api_key(KEY)
    made = ApiKeyLoginAccountParams(type="apiKey", api_key=KEY)
    for value in (request, made, LoginAccountParams(made)):
        assert KEY not in repr(value)
        assert KEY not in str(value)
    for model in (ApiKeyLoginAccountParams, LoginAccountParams):
        with pytest.raises(ValueError, match="string") as caught:
            model.model_validate({"type": "apiKey", "apiKey": [KEY]})
        assert KEY not in shown(caught.value)


def test_a_key_is_in_no_log(peer: ScriptedPeer, caplog: pytest.LogCaptureFixture) -> None:
    peer.answers["account/login/start"] = {"type": "apiKey", "more": [1]}
    caplog.set_level(logging.DEBUG)
    with Codex(CodexConfig(launch_args_override=peer.argv)) as codex:
        codex.login_api_key(KEY)
        everything = codex.notifications()
        peer.exit(3)
        with pytest.raises(TransportClosedError):
            everything.__next__()
        with pytest.raises(TransportClosedError) as caught:
            codex.login_api_key(KEY)
        assert KEY not in shown(caught.value)
    assert KEY not in caplog.text


def test_a_code_is_not_in_the_repr_of_its_handle(scripted: CodexConfig) -> None:
    with Codex(scripted) as codex:
        login = codex.login_chatgpt_device_code()
        assert "login-0" in repr(login)
        assert login.user_code not in repr(login)


def test_a_wrong_account_option_is_refused(peer: ScriptedPeer) -> None:
    with Codex(CodexConfig(launch_args_override=peer.argv)) as codex:
        with pytest.raises(InvalidInputTypeError, match="refresh_token"):
            codex.account(refresh_token=1)  # type: ignore[arg-type]
