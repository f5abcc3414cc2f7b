"""Logins and the account: on the real runtime, and completions on one whose every line is forced."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import Any

import pytest

from codex_app_server import (
    AsyncChatgptLoginHandle,
    AsyncCodex,
    AsyncDeviceCodeLoginHandle,
    ClientClosedError,
    CodexConfig,
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
from tests.api._async.concurrency import Background, expected, together
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


async def test_a_key_logs_in_until_the_logout(home: CodexConfig) -> None:
    async with AsyncCodex(home) as codex:
        before = await codex.account()
        assert (before.account, before.requires_openai_auth) == (None, True)
        await codex.login_api_key(KEY)
        during = await codex.account(refresh_token=True)
        assert during.account is not None
        assert isinstance(during.account.root, ApiKeyAccount)
        await codex.logout()
        await codex.logout()
        assert (await codex.account()).account is None
        assert_idle(codex.stats)


async def test_a_chatgpt_login_is_begun_and_cancelled(home: CodexConfig) -> None:
    async with AsyncCodex(home) as codex:
        login = await codex.login_chatgpt()
        assert login.auth_url.startswith("https://")
        assert (await login.cancel()).status is CancelLoginAccountStatus.canceled
        end = await login.wait()
        assert (end.login_id, end.success) == (login.login_id, False)
        assert end.error
        assert await login.wait() is end
        assert (await login.cancel()).status is CancelLoginAccountStatus.not_found
        assert_idle(codex.stats)


async def test_a_new_login_ends_the_one_before_and_each_hears_of_itself(home: CodexConfig) -> None:
    async with AsyncCodex(home) as codex:
        first = await codex.login_chatgpt()
        second = await codex.login_chatgpt()
        assert (await first.wait()).login_id == first.login_id
        await codex.login_api_key(KEY)
        end = await second.wait()
        assert (end.login_id, end.success) == (second.login_id, False)
        assert_idle(codex.stats)


async def test_a_login_that_is_left_is_cancelled(home: CodexConfig) -> None:
    async with AsyncCodex(home) as codex:
        async with await codex.login_chatgpt() as login:
            pass
        assert (await login.cancel()).status is CancelLoginAccountStatus.not_found
        assert codex.stats()["errands_sent"] == 0
        assert_idle(codex.stats)


async def test_a_code_that_the_service_does_not_give_leaves_nothing(home: CodexConfig) -> None:
    async with AsyncCodex(home) as codex:
        with pytest.raises(InternalRpcError, match="device code"):
            await codex.login_chatgpt_device_code()
        assert_idle(codex.stats)


async def test_a_handle_is_made_from_ids(home: CodexConfig) -> None:
    async with AsyncCodex(home) as codex:
        begun = await codex.login_chatgpt()
        same = AsyncChatgptLoginHandle(codex, begun.login_id, begun.auth_url)
        assert same == begun
        await same.cancel()
        assert (await same.wait()).login_id == begun.login_id == (await begun.wait()).login_id
        nobodys = AsyncDeviceCodeLoginHandle(codex, NOBODYS, "https://x", "CODE")
        assert (await nobodys.cancel()).status is CancelLoginAccountStatus.not_found
        wrong = AsyncDeviceCodeLoginHandle(codex, "no uuid", "https://x", "CODE")
        with pytest.raises(InvalidRequestError, match="login id"):
            await wrong.cancel()
        await wrong.aclose()
        await nobodys.aclose()
        assert_idle(codex.stats)
        with pytest.raises(InvalidInputTypeError, match="login_id"):
            AsyncChatgptLoginHandle(codex, 7, "")  # type: ignore[arg-type]


# --- completions, forced


async def test_a_code_is_shown_and_its_completion_awaited(scripted: CodexConfig, peer: ScriptedPeer) -> None:
    async with AsyncCodex(scripted) as codex:
        login = await codex.login_chatgpt_device_code()
        assert (login.verification_url, login.user_code) == ("https://x/device", "CODE-login-0")
        waiting = Background(login.wait)
        await codex.models()
        peer.send(completed("somebody else's"), completed(None), completed("login-0"))
        end = await waiting.result()
        assert isinstance(end, AccountLoginCompletedNotification)
        assert (end.login_id, end.success, end.error) == ("login-0", True, None)
        assert_idle(codex.stats)


async def test_a_login_that_failed_is_told_and_not_raised(scripted: CodexConfig, peer: ScriptedPeer) -> None:
    async with AsyncCodex(scripted) as codex:
        login = await codex.login_chatgpt()
        peer.send(completed(login.login_id, "denied"))
        end = await login.wait()
        assert (end.success, end.error) == (False, "denied")


async def test_logins_at_once_get_each_their_own_completion(
    scripted: CodexConfig, peer: ScriptedPeer
) -> None:
    async with AsyncCodex(scripted) as codex:
        first, second = await together(codex.login_chatgpt, codex.login_chatgpt_device_code)
        waits = [Background(login.wait) for login in (first, second)]
        await codex.models()
        peer.send(completed(second.login_id), completed(first.login_id, "late"))
        ends = [await wait.result() for wait in waits]
        assert [end.login_id for end in ends] == [first.login_id, second.login_id]
        assert [end.success for end in ends] == [False, True]
        assert_idle(codex.stats)


async def test_fifty_logins_at_once_miss_no_completion(scripted: CodexConfig, peer: ScriptedPeer) -> None:
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
    async with AsyncCodex(scripted) as codex:
        logins = await together(*[codex.login_chatgpt_device_code] * 50)
        peer.send(*(completed(f"{number}", f"end of {number}") for number in range(1, 50, 3)))
        for login in logins:
            assert (await login.wait()).error == f"end of {login.login_id}"
        assert_idle(codex.stats)


@pytest.mark.parametrize("early", [True, False], ids=["before the answer", "right behind the answer"])
async def test_a_completion_beside_the_answer_is_not_lost(
    scripted: CodexConfig, peer: ScriptedPeer, early: bool
) -> None:
    del peer.answers["account/login/start"]
    async with AsyncCodex(scripted) as codex:

        async def begin() -> AsyncDeviceCodeLoginHandle:
            return await codex.login_chatgpt_device_code()

        beginning = Background(begin)
        request = await expected(peer, "account/login/start")
        answer = {"id": request["id"], "result": code("fast")}
        lines = [answer, completed("fast")]
        peer.send(*(reversed(lines) if early else lines))
        login = await beginning.result()
        assert (await login.wait()).success
        assert_idle(codex.stats)


async def test_every_wait_gets_the_completion(scripted: CodexConfig, peer: ScriptedPeer) -> None:
    async with AsyncCodex(scripted) as codex:
        login = await codex.login_chatgpt()
        waits = [Background(login.wait) for _ in range(5)]
        await codex.models()
        peer.send(completed(login.login_id))
        ends = [await wait.result() for wait in waits]
        assert all(end is ends[0] for end in ends)
        assert await login.wait() is ends[0]


async def test_a_completion_is_kept_for_a_later_wait(scripted: CodexConfig, peer: ScriptedPeer) -> None:
    async with AsyncCodex(scripted) as codex:
        login = await codex.login_chatgpt()
        peer.send(completed(login.login_id))
        await codex.models()
        assert (await login.wait()).success
        await login.aclose()
        assert (await login.wait()).success
        assert codex.stats()["requests_written"] == 3  # no cancel


async def test_a_completion_of_a_newer_runtime_is_one(scripted: CodexConfig, peer: ScriptedPeer) -> None:
    async with AsyncCodex(scripted) as codex:
        login = await codex.login_chatgpt()
        params = {"loginId": login.login_id, "success": True, "error": {"kind": "new"}}
        peer.send({"method": "account/login/completed", "params": params})
        end = await login.wait()
        assert (end.login_id, end.success) == (login.login_id, True)


async def test_a_runtime_that_dies_ends_every_wait(scripted: CodexConfig, peer: ScriptedPeer) -> None:
    async with AsyncCodex(scripted) as codex:
        login = await codex.login_chatgpt()
        waits = [Background(login.wait) for _ in range(3)]
        await codex.models()
        peer.exit(5)
        for wait in waits:
            with pytest.raises(TransportClosedError) as caught:
                await wait.result()
            assert caught.value.exit_code == 5
        with pytest.raises(TransportClosedError):
            await login.wait()
        with pytest.raises(TransportClosedError):
            await login.cancel()
        await login.aclose()
        assert_idle(codex.stats)


async def test_a_client_that_is_closed_ends_the_wait(scripted: CodexConfig) -> None:
    async with AsyncCodex(scripted) as codex:
        login = await codex.login_chatgpt()
        waiting = Background(login.wait)
        await codex.models()
    with pytest.raises(ClientClosedError):
        await waiting.result()


async def test_a_handle_that_is_closed_ends_the_wait_and_cancels_the_login(
    scripted: CodexConfig, peer: ScriptedPeer
) -> None:
    cancelled: list[Any] = []

    def cancel(params: dict[str, Any]) -> dict[str, Any]:
        cancelled.append(params)
        return {"status": "canceled"}

    peer.answers["account/login/cancel"] = cancel
    async with AsyncCodex(scripted) as codex:
        login = await codex.login_chatgpt()
        waiting = Background(login.wait)
        await codex.models()
        await login.aclose()
        await login.aclose()
        with pytest.raises(StreamClosedError, match="closed before"):
            await waiting.result()
        with pytest.raises(StreamClosedError, match="closed before"):
            await login.wait()
        assert cancelled == [{"loginId": "login-0"}]
        assert_idle(codex.stats)


async def test_a_block_that_is_interrupted_has_the_login_cancelled(
    scripted: CodexConfig, peer: ScriptedPeer
) -> None:
    del peer.answers["account/login/cancel"]
    async with AsyncCodex(scripted) as codex:
        with pytest.raises(KeyboardInterrupt):
            async with await codex.login_chatgpt():
                raise KeyboardInterrupt
        request = await expected(peer, "account/login/cancel")
        assert request["params"] == {"loginId": "login-0"}
        peer.answer(request, {"status": "canceled"})
        await codex.models()
        assert_idle(codex.stats)


async def test_a_login_whose_completion_nobody_read_is_not_cancelled_by_an_interrupt(
    scripted: CodexConfig, peer: ScriptedPeer
) -> None:
    async with AsyncCodex(scripted) as codex:
        login = await codex.login_chatgpt()
        peer.send(completed(login.login_id))
        await codex.models()
        with pytest.raises(KeyboardInterrupt):
            async with login:
                raise KeyboardInterrupt
        assert codex.stats()["errands_sent"] == 0
        assert_idle(codex.stats)


async def test_a_handle_that_is_dropped_leaves_the_login_to_the_person(scripted: CodexConfig) -> None:
    async with AsyncCodex(scripted) as codex:
        url = (await codex.login_chatgpt()).auth_url
        assert url == "https://x/login-0"
        await codex.models()
        assert codex.stats()["errands_sent"] == 0
        assert_idle(codex.stats)


async def test_a_login_that_is_refused_leaves_nothing(scripted: CodexConfig, peer: ScriptedPeer) -> None:
    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise Refused(-32600, "not here")

    peer.answers["account/login/start"] = refuse
    async with AsyncCodex(scripted) as codex:
        for begin in (codex.login_chatgpt, codex.login_chatgpt_device_code):
            with pytest.raises(InvalidRequestError, match="not here"):
                await begin()
        with pytest.raises(InvalidRequestError, match="not here"):
            await codex.login_api_key(KEY)
        assert_idle(codex.stats)


async def test_an_answer_of_another_kind_is_an_error_that_does_not_quote_it(
    scripted: CodexConfig, peer: ScriptedPeer
) -> None:
    peer.answers["account/login/start"] = {"type": "new", "loginId": "x", "userCode": KEY}
    async with AsyncCodex(scripted) as codex:
        for begin in (codex.login_chatgpt, codex.login_chatgpt_device_code):
            with pytest.raises(ParseError) as caught:
                await begin()
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
async def test_a_key_that_is_no_text_is_refused_and_not_repeated(peer: ScriptedPeer, key: Any) -> None:
    config = CodexConfig(launch_args_override=peer.argv)
    params = {"type": "apiKey", "apiKey": key}
    async with AsyncCodex(config) as codex:
        with pytest.raises((InvalidInputError, InvalidInputTypeError), match="api_key") as caught:
            await codex.login_api_key(key)
        assert KEY not in shown(caught.value)
        if not isinstance(key, str):
            with pytest.raises((InvalidInputError, InvalidInputTypeError)) as caught:
                await codex.rpc.account.login.start(params=params)
            assert KEY not in shown(caught.value)
            made = ApiKeyLoginAccountParams.model_construct(type="apiKey", api_key=key)
            with pytest.raises(InvalidInputError, match=r"ApiKeyLoginAccountParams .* api_key") as caught:
                await codex.request("account/login/start", made)
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


async def test_a_key_is_in_no_log(peer: ScriptedPeer, caplog: pytest.LogCaptureFixture) -> None:
    peer.answers["account/login/start"] = {"type": "apiKey", "more": [1]}
    caplog.set_level(logging.DEBUG)
    async with AsyncCodex(CodexConfig(launch_args_override=peer.argv)) as codex:
        await codex.login_api_key(KEY)
        everything = codex.notifications()
        peer.exit(3)
        with pytest.raises(TransportClosedError):
            await everything.__anext__()
        with pytest.raises(TransportClosedError) as caught:
            await codex.login_api_key(KEY)
        assert KEY not in shown(caught.value)
    assert KEY not in caplog.text


async def test_a_code_is_not_in_the_repr_of_its_handle(scripted: CodexConfig) -> None:
    async with AsyncCodex(scripted) as codex:
        login = await codex.login_chatgpt_device_code()
        assert "login-0" in repr(login)
        assert login.user_code not in repr(login)


async def test_a_wrong_account_option_is_refused(peer: ScriptedPeer) -> None:
    async with AsyncCodex(CodexConfig(launch_args_override=peer.argv)) as codex:
        with pytest.raises(InvalidInputTypeError, match="refresh_token"):
            await codex.account(refresh_token=1)  # type: ignore[arg-type]
