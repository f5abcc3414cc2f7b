"""The public names and signatures: those of the official SDK, and the cost of importing them."""

from __future__ import annotations

import inspect
import subprocess
import sys
from dataclasses import fields
from importlib.metadata import version
from typing import Any

import openai_codex
import openai_codex.models
import openai_codex.types
import pytest

import codex_app_server
import codex_app_server.errors
import codex_app_server.models
import codex_app_server.types

CLIENT = (
    "thread_start",
    "thread_resume",
    "thread_fork",
    "thread_list",
    "thread_archive",
    "thread_unarchive",
    "models",
    "login_api_key",
    "login_chatgpt",
    "login_chatgpt_device_code",
    "account",
    "logout",
)
THREAD = ("run", "turn", "read", "set_name", "compact")
TURN = ("stream", "run", "steer", "interrupt")
LOGIN = ("wait", "cancel")
HANDLES = [
    prefix + name
    for name in ("Thread", "TurnHandle", "ChatgptLoginHandle", "DeviceCodeLoginHandle")
    for prefix in ("", "Async")
]
METHODS = [
    (name, method)
    for names, methods in (
        (("Codex", "AsyncCodex"), ("__init__", "close", *CLIENT)),
        (("Thread", "AsyncThread"), THREAD),
        (("TurnHandle", "AsyncTurnHandle"), TURN),
        (("ChatgptLoginHandle", "AsyncChatgptLoginHandle"), LOGIN),
        (("DeviceCodeLoginHandle", "AsyncDeviceCodeLoginHandle"), LOGIN),
    )
    for name in names
    for method in methods
]
DATA = [
    "TurnResult",
    "TextInput",
    "ImageInput",
    "LocalImageInput",
    "SkillInput",
    "MentionInput",
    "ExternalMessage",
]


def parameters(function: Any, annotations: bool = True) -> list[tuple[Any, ...]]:
    return [
        (one.name, one.kind, one.default, str(one.annotation).strip("'\"") if annotations else None)
        for one in inspect.signature(function).parameters.values()
    ]


def plain(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    # Enums of two packages are never equal; their values are.
    return [(name, kind, getattr(default, "value", default), note) for name, kind, default, note in rows]


@pytest.mark.parametrize(("name", "method"), METHODS, ids=str)
def test_a_method_has_the_official_signature(name: str, method: str) -> None:
    ours = getattr(getattr(codex_app_server, name), method)
    official = getattr(getattr(openai_codex, name), method)
    assert plain(parameters(ours)) == plain(parameters(official))
    if method != "stream":  # the official ones are generators
        assert inspect.iscoroutinefunction(ours) is inspect.iscoroutinefunction(official)


@pytest.mark.parametrize("name", HANDLES)
def test_a_handle_is_made_from_the_official_arguments(name: str) -> None:
    ours = plain(parameters(getattr(codex_app_server, name), annotations=False))
    assert ours == plain(parameters(getattr(openai_codex, name), annotations=False))


def test_a_config_starts_with_the_official_fields_and_ours_are_keyword_only() -> None:
    official = parameters(openai_codex.CodexConfig, annotations=False)
    ours = parameters(codex_app_server.CodexConfig, annotations=False)
    assert ours[: len(official)] == official
    assert all(kind is inspect.Parameter.KEYWORD_ONLY for _, kind, _, _ in ours[len(official) :])


@pytest.mark.parametrize("name", DATA)
def test_a_dataclass_has_the_official_fields(name: str) -> None:
    ours, official = getattr(codex_app_server, name), getattr(openai_codex, name)
    assert [field.name for field in fields(ours)] == [field.name for field in fields(official)]


@pytest.mark.parametrize("name", ["ApprovalMode", "Sandbox"])
def test_an_enum_has_the_official_members(name: str) -> None:
    ours, official = getattr(codex_app_server, name), getattr(openai_codex, name)
    assert {one.name: one.value for one in ours} == {one.name: one.value for one in official}


def test_retry_has_the_official_signature() -> None:
    ours, twin = codex_app_server.retry_on_overload, codex_app_server.async_retry_on_overload
    assert parameters(ours) == parameters(openai_codex.retry_on_overload)
    assert parameters(twin)[1:] == parameters(ours)[1:]


def test_every_official_name_is_here() -> None:
    assert set(openai_codex.__all__) <= set(codex_app_server.__all__)
    assert set(openai_codex.types.__all__) <= set(codex_app_server.types.__all__)


def test_every_error_of_the_package_is_a_name_of_the_package() -> None:
    names = {name for name in codex_app_server.errors.__all__ if name.endswith("Error")}
    assert names <= set(codex_app_server.__all__)


@pytest.mark.parametrize(
    "module", [codex_app_server, codex_app_server.types, codex_app_server.models, codex_app_server.errors]
)
def test_every_name_in_all_resolves(module: Any) -> None:
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    assert sorted(module.__all__, key=str) == sorted(set(module.__all__), key=str)


def test_models_has_the_official_names() -> None:
    official = {
        name
        for name, value in vars(openai_codex.models).items()
        if inspect.isclass(value) and value.__module__.startswith("openai_codex")
    }
    assert official <= set(codex_app_server.models.__all__)


def test_a_name_that_models_lacks_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        codex_app_server.models.no_such_name  # type: ignore[attr-defined]  # noqa: B018


def test_older_names_are_the_same_things() -> None:
    assert codex_app_server.AppServerConfig is codex_app_server.CodexConfig
    assert codex_app_server.RunResult is codex_app_server.TurnResult


def test_the_version_is_the_distributions() -> None:
    assert codex_app_server.__version__ == version("codex-app-server-sdk")


def test_importing_the_package_builds_no_models() -> None:
    code = (
        "import sys, codex_app_server; "
        "assert not {'pydantic', 'codex_app_server.generated.v2_all', 'codex_cli_bin'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "name",
    [
        "ChatgptLoginHandle",
        "Codex",
        "CommandHandle",
        "DeviceCodeLoginHandle",
        "FsWatch",
        "FuzzyFileSearch",
        "NotificationStream",
        "ProcessHandle",
        "TextStream",
        "Thread",
        "TurnHandle",
        "TurnStream",
    ],
)
def test_the_twins_have_the_same_methods_with_the_same_parameters(name: str) -> None:
    def public(cls: type) -> dict[str, Any]:
        renamed = {"aclose": "close"}
        return {
            renamed.get(key, key): plain(parameters(value))
            for key, value in inspect.getmembers(cls, inspect.isfunction)
            if not key.startswith("_")
        }

    assert public(getattr(codex_app_server, name)) == public(getattr(codex_app_server, f"Async{name}"))
