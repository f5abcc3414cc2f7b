"""Models are loaded when they are touched, with those that they are made of and no others."""

from __future__ import annotations

import ast
import copy
import graphlib
import importlib
import inspect
import pickle
import pydoc
import subprocess
import sys
import typing
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel

import codex_app_server.models
import codex_app_server.types
from codex_app_server.generated import v2_all

PACKAGE = "codex_app_server.generated._models"
FOLDER = Path(importlib.import_module(PACKAGE).__path__[0])
HOMES = sorted(path.stem for path in FOLDER.glob("[!_]*.py"))

REPORT = f"""
import sys
print(sorted(name.rpartition(".")[2] for name in sys.modules if name.startswith("{PACKAGE}.")))
"""


def loaded_by(program: str) -> list[str]:
    """The homes that a program has loaded when it ends, in an interpreter of its own."""
    command = [sys.executable, "-c", program + REPORT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    found: list[str] = ast.literal_eval(done.stdout)
    return found


def imports(home: str) -> set[str]:
    """The homes that one imports, as its source says."""
    tree = ast.parse(FOLDER.joinpath(f"{home}.py").read_text("utf-8"))
    froms = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.level == 1]
    return {str(node.module) for node in froms}


def needed(*homes: str) -> list[str]:
    """Homes with all that they import."""
    found: set[str] = set()
    pending = set(homes)
    while pending:
        home = pending.pop()
        found.add(home)
        pending |= imports(home) - found
    return sorted(found)


# -- what is loaded


@pytest.mark.parametrize(
    "program",
    [
        "from codex_app_server import Codex, AsyncCodex, TextInput",
        "import codex_app_server.models, codex_app_server.types",
        "from codex_app_server.types import JsonObject, Notification",
        "from codex_app_server.generated import v2_all, notifications, requests; dir(v2_all)",
        "from codex_app_server import models, types; dir(models), dir(types)",
    ],
)
def test_nothing_is_loaded_before_a_model_is_touched(program: str) -> None:
    assert loaded_by(f"{program}\nimport sys; assert 'pydantic' not in sys.modules") == []


@pytest.mark.parametrize(
    ("program", "home"),
    [
        ("from codex_app_server.generated.v2_all import Turn, TurnStatus", "every_turn"),
        ("from codex_app_server.generated import v2_all; v2_all.AgentMessageDeltaNotification", "deltas"),
        ("from codex_app_server.types import Turn, ThreadItem", "every_turn"),
        ("from codex_app_server.models import AgentMessageDeltaNotification", "deltas"),
        ("from codex_app_server.generated.v2_all import FsReadFileParams", "fs"),
        ("from codex_app_server.generated.v2_all import PluginInstallParams", "plugin"),
        ("from codex_app_server.generated.v2_all import ThreadListResponse", "thread"),
    ],
)
def test_a_model_is_loaded_with_what_its_home_needs_only(program: str, home: str) -> None:
    assert loaded_by(program) == needed(home)


def test_what_every_turn_sends_needs_no_other_home() -> None:
    assert needed("every_turn") == ["every_turn"]
    assert needed("deltas") == ["deltas"]


def test_one_noun_never_needs_another() -> None:
    common = {"every_turn", "deltas", "shared"}
    assert all(set(needed(home)) <= common | {home} for home in HOMES if home not in ("messages", "others"))


def test_homes_do_not_import_each_other_in_a_circle() -> None:
    order = list(graphlib.TopologicalSorter({home: imports(home) for home in HOMES}).static_order())
    assert sorted(order) == HOMES


@pytest.mark.slow
@pytest.mark.parametrize("home", HOMES)
def test_every_home_can_be_the_first_that_is_imported(home: str) -> None:
    assert loaded_by(f"import {PACKAGE}.{home}") == needed(home)


FIRST_TURN = """
from codex_app_server import Codex
from codex_app_server.testing import OfflineModel

with OfflineModel() as model, Codex(model.config()) as codex:
    thread = codex.thread_start()
    assert [event.method for event in thread.turn("one").stream()][-1] == "turn/completed"
    assert thread.run("two").final_response
"""


def test_a_first_turn_loads_what_every_turn_sends_and_its_deltas() -> None:
    assert loaded_by(FIRST_TURN) == ["deltas", "every_turn"]


STARTED = """
from codex_app_server import Codex
from codex_app_server.testing import OfflineModel
with OfflineModel() as model, Codex(model.config()):
    pass
"""


def test_both_are_loaded_before_a_turn_is_started() -> None:
    """A hundred threads may have their first events at once, and all would wait for the one that imports."""
    assert loaded_by(STARTED) == ["deltas", "every_turn"]


# -- what is found


@pytest.mark.parametrize("module", [v2_all, codex_app_server.models, codex_app_server.types])
def test_every_name_is_listed_and_found(module: ModuleType) -> None:
    assert set(module.__all__) <= set(dir(module))
    for name in module.__all__:
        assert getattr(module, name) is vars(module)[name]


@pytest.mark.parametrize("module", [v2_all, codex_app_server.models, codex_app_server.types])
def test_a_name_that_is_not_there_is_said_to_be_missing(module: ModuleType) -> None:
    with pytest.raises(AttributeError, match=f"{module.__name__}' has no attribute 'Nonsense'"):
        module.Nonsense  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'Nonsense'"):
        exec(f"from {module.__name__} import Nonsense")  # noqa: S102 - type checkers refuse it in the open


def test_the_stub_passes_on_every_home_and_lists_every_name() -> None:
    tree = ast.parse(Path(f"{v2_all.__file__}i").read_text("utf-8"))
    stars = [n for n in tree.body if isinstance(n, ast.ImportFrom) and n.names[0].name == "*"]
    assert [node.module for node in stars] == [f"_models.{home}" for home in HOMES]
    (exported,) = [node.value for node in tree.body if isinstance(node, ast.Assign)]
    assert ast.literal_eval(exported) == v2_all.__all__
    modules = [importlib.import_module(f"{PACKAGE}.{home}") for home in HOMES]
    assert sorted(name for module in modules for name in module.__all__) == v2_all.__all__


def test_a_class_is_where_it_says_that_it_is() -> None:
    for name in v2_all.__all__:
        found = getattr(v2_all, name)
        assert found.__module__.startswith(f"{PACKAGE}.")
        assert getattr(sys.modules[found.__module__], found.__qualname__) is found
        assert pickle.loads(pickle.dumps(found)) is found  # noqa: S301 - made in this line


def test_a_class_can_be_looked_at_and_copied() -> None:
    turn = v2_all.Turn.model_validate({"id": "u", "items": [], "status": "completed"})
    assert repr(turn).startswith("Turn(completed_at=None, ")
    assert copy.deepcopy(turn) == pickle.loads(pickle.dumps(turn)) == turn  # noqa: S301 - made in this line
    assert inspect.getsource(v2_all.Turn).startswith("class Turn(ProtocolModel):\n")
    assert "class Turn(" in pydoc.plain(pydoc.render_doc(v2_all.Turn))
    assert typing.get_type_hints(v2_all.Turn)["status"] is v2_all.TurnStatus


def test_annotations_across_homes_are_the_classes_themselves() -> None:
    models = [m for m in map(v2_all.__dict__.get, v2_all.__all__) if isinstance(m, type)]
    for model in models:
        if issubclass(model, BaseModel):
            assert model.__pydantic_fields_complete__, model
