"""The public names, the twins, and the cost of importing them."""

from __future__ import annotations

import inspect
import subprocess
import sys
import typing
from importlib.metadata import version
from typing import Any

import openai_codex
import pytest

import codex_app_server
import codex_app_server.errors
import codex_app_server.models
import codex_app_server.types
from codex_app_server import AsyncCodex, Codex
from codex_app_server.generated import v2_all
from codex_app_server.generated.notifications import PAYLOADS, payload_model


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


def test_what_people_watch_is_a_name_of_types_and_the_same_class_everywhere() -> None:
    watched = {
        "AccountRateLimitsUpdatedNotification",
        "AgentMessageDeltaNotification",
        "CommandExecutionOutputDeltaNotification",
        "ErrorNotification",
        "ItemCompletedNotification",
        "ItemStartedNotification",
        "PlanDeltaNotification",
        "ReasoningSummaryPartAddedNotification",
        "ReasoningSummaryTextDeltaNotification",
        "ReasoningTextDeltaNotification",
        "ThreadTokenUsageUpdatedNotification",
        "TurnCompletedNotification",
        "TurnDiffUpdatedNotification",
        "TurnPlanUpdatedNotification",
    }
    assert watched <= set(codex_app_server.types.__all__)
    for name in watched:
        cls = getattr(codex_app_server.types, name)
        assert cls is getattr(codex_app_server.models, name)
        assert cls in {payload_model(method) for method in PAYLOADS}


def test_types_has_the_thread_that_is_listed_and_a_star_import_leaves_the_one_that_runs() -> None:
    names: dict[str, Any] = {}
    exec("from codex_app_server import *; from codex_app_server.types import *", names)  # noqa: S102
    assert names["Thread"] is codex_app_server.Thread
    assert codex_app_server.types.Thread is v2_all.Thread
    assert "Thread" in dir(codex_app_server.types)


def test_a_name_that_models_lacks_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        codex_app_server.models.no_such_name  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize(("name", "client"), [("Rpc", Codex), ("AsyncRpc", AsyncCodex)])
def test_what_a_client_has_under_rpc_has_a_name_for_annotations(name: str, client: type) -> None:
    assert name in codex_app_server.__all__
    given = inspect.getattr_static(client, "rpc").fget
    assert typing.get_type_hints(given)["return"] is getattr(codex_app_server, name)


def test_older_names_are_the_same_things() -> None:
    assert codex_app_server.AppServerConfig is codex_app_server.CodexConfig
    assert codex_app_server.RunResult is codex_app_server.TurnResult


def test_the_version_is_the_distributions() -> None:
    assert codex_app_server.__version__ == version("codex-app-server-sdk")


def test_importing_the_package_builds_no_models() -> None:
    code = (
        "import sys, codex_app_server; "
        "assert not {'pydantic', 'codex_app_server.generated.v2_all', 'codex_cli_bin'} & set(sys.modules); "
        "assert 'codex_app_server._official_names' not in sys.modules; "
        "assert not [name for name in sys.modules if name.startswith('codex_app_server._cli')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_submodules_that_the_official_package_imports_are_attributes_after_a_plain_import() -> None:
    official = {name for name, value in vars(openai_codex).items() if inspect.ismodule(value)}
    # Left out on purpose: docs/migration.md says so.
    names = sorted(official - {"_message_router", "_runtime_requirements"} | {"requests", "testing", "tools"})
    code = (
        "import sys, codex_app_server; shown = dir(codex_app_server); "
        "assert 'pydantic' not in sys.modules; "
        f"assert set({names}) <= set(shown); "
        f"print([getattr(codex_app_server, name).__name__ for name in {names}])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == str([f"codex_app_server.{name}" for name in names])


@pytest.mark.parametrize("module", [codex_app_server, codex_app_server.types, codex_app_server.models])
def test_dir_shows_nothing_that_the_module_only_uses(module: Any) -> None:
    assert {"TYPE_CHECKING", "annotations", "lazy", "logging"}.isdisjoint(dir(module))


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
