"""The public names, the twins, and the cost of importing them."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib.metadata import version
from typing import Any

import openai_codex
import pytest

import codex_app_server
import codex_app_server.errors
import codex_app_server.models
import codex_app_server.types


def parameters(function: Any, annotations: bool = True) -> list[tuple[Any, ...]]:
    return [
        (one.name, one.kind, one.default, str(one.annotation).strip("'\"") if annotations else None)
        for one in inspect.signature(function).parameters.values()
    ]


def plain(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    # Enums of two packages are never equal; their values are.
    return [(name, kind, getattr(default, "value", default), note) for name, kind, default, note in rows]


def test_retry_has_the_official_signature() -> None:
    ours, twin = codex_app_server.retry_on_overload, codex_app_server.async_retry_on_overload
    assert parameters(ours) == parameters(openai_codex.retry_on_overload)
    assert parameters(twin)[1:] == parameters(ours)[1:]


def test_every_error_of_the_package_is_a_name_of_the_package() -> None:
    names = {name for name in codex_app_server.errors.__all__ if name.endswith("Error")}
    assert names <= set(codex_app_server.__all__)


@pytest.mark.parametrize(
    "module", [codex_app_server, codex_app_server.types, codex_app_server.models, codex_app_server.errors]
)
def test_every_name_in_all_resolves(module: Any) -> None:
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    assert sorted(module.__all__, key=str) == sorted(set(module.__all__), key=str)


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
        "assert not {'pydantic', 'codex_app_server.generated.v2_all', 'codex_cli_bin'} & set(sys.modules); "
        "assert not [name for name in sys.modules if name.startswith('codex_app_server._cli')]"
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
        "Requests",
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
            renamed.get(key, key): [
                # A handler of the other one may be a coroutine function.
                (*row[:3], str(row[3]).replace("AsyncOnRequest", "OnRequest"))
                for row in plain(parameters(value))
            ]
            for key, value in inspect.getmembers(cls, inspect.isfunction)
            if not key.startswith("_")
        }

    assert public(getattr(codex_app_server, name)) == public(getattr(codex_app_server, f"Async{name}"))


def test_a_program_without_logging_sees_no_warning_on_its_terminal() -> None:
    code = "from codex_app_server import CodexConfig; CodexConfig(opt_out_notifications=('no/such',))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert (done.stdout, done.stderr) == (b"", b"")
