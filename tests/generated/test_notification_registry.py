"""The official package's table of notifications is here too, and says the same."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any, get_args

import openai_codex.generated.notification_registry as official
import pytest
from pydantic import BaseModel

from codex_app_server.generated import notification_registry as ours
from codex_app_server.generated import v2_all
from codex_app_server.generated.notifications import PAYLOADS, payload_model
from codex_app_server.models import UnknownNotification
from tests.generated.samples import Sampler, Schema

TUPLES = ("DIRECT_TURN_ID_NOTIFICATION_TYPES", "NESTED_TURN_NOTIFICATION_TYPES")


def names(classes: Any) -> list[str]:
    return [each.__name__ for each in classes]


def test_every_public_name_of_the_official_module_is_here() -> None:
    # Not what it imports from elsewhere to say them.
    helpers = {"BaseModel", "TypeAlias", "annotations"}
    expected = {name for name in vars(official) if name[0] != "_"} - helpers
    assert expected <= set(ours.__all__) <= set(dir(ours))
    assert len(expected) > 80


def test_each_method_has_the_model_of_the_official_name() -> None:
    assert type(ours.NOTIFICATION_MODELS) is dict
    assert {method: kind.__name__ for method, kind in official.NOTIFICATION_MODELS.items()} == {
        method: kind.__name__ for method, kind in ours.NOTIFICATION_MODELS.items()
    }
    assert {method: payload_model(method) for method in PAYLOADS} == ours.NOTIFICATION_MODELS
    assert ours.TurnStartedNotification is v2_all.TurnStartedNotification


@pytest.mark.parametrize("name", TUPLES)
def test_the_payloads_that_are_about_a_turn_are_the_official_ones(name: str) -> None:
    assert names(getattr(ours, name)) == names(getattr(official, name))


def test_the_union_of_payloads_has_the_official_ones() -> None:
    theirs: Any = official.KnownNotificationPayload
    mine: Any = ours.KnownNotificationPayload
    assert names(get_args(mine)) == names(get_args(theirs))


def payloads(definitions: dict[str, Schema], method: str) -> Iterator[tuple[BaseModel, BaseModel]]:
    """The same notification by the models of both packages."""
    for seed in range(5):
        raw = Sampler(definitions, seed).value(definitions[PAYLOADS[method]])
        mine = ours.NOTIFICATION_MODELS[method].model_validate(raw)
        yield mine, official.NOTIFICATION_MODELS[method].model_validate(raw)


@pytest.mark.parametrize("method", PAYLOADS)
def test_both_find_the_same_turn_in_a_notification(
    method: str, stable_definitions: dict[str, Schema]
) -> None:
    for mine, theirs in payloads(stable_definitions, method):
        assert ours.notification_turn_id(mine) == official.notification_turn_id(theirs)


def test_what_is_about_no_turn_has_no_id() -> None:
    class TurnStartedNotification(BaseModel):
        """One of another package, of the same name."""

        turn_id: str = "t"

    class Own(ours.ErrorNotification):
        """A program's own."""

    error = {"error": {"message": "m"}, "threadId": "t", "turnId": "u", "willRetry": False}
    assert ours.notification_turn_id(Own.model_validate(error)) == "u"
    assert ours.notification_turn_id(TurnStartedNotification()) is None
    assert ours.notification_turn_id(UnknownNotification({"turnId": "u"})) is None
    assert ours.notification_turn_id(ours.ErrorNotification.model_construct(turn_id=7)) is None


def test_importing_it_imports_no_model() -> None:
    program = (
        "import sys; from codex_app_server.generated import notification_registry as r;"
        "assert 'pydantic' not in sys.modules; r.notification_turn_id(3);"
        "assert 'pydantic' not in sys.modules; r.NOTIFICATION_MODELS"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr


def test_a_name_that_is_not_there_is_said_to_be_missing() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Nonsense'"):
        ours.Nonsense  # type: ignore[attr-defined]  # noqa: B018
