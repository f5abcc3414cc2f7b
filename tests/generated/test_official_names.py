"""A program that uses the official SDK's models finds the same ones here."""

from __future__ import annotations

from enum import Enum
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import openai_codex.generated.v2_all as official
import pytest
from pydantic import BaseModel, RootModel
from pydantic_core import PydanticUndefined

from codex_app_server.generated import v2_all as ours
from codex_app_server.generated._base import UnknownVariant

# What pydantic makes of RootModel[X] is listed by the official module too; it has no name of its own.
OFFICIAL: dict[str, type] = {
    name: found
    for name, found in vars(official).items()
    if isinstance(found, type) and found.__module__ == official.__name__ and "[" not in name
}
MODELS = [n for n, c in OFFICIAL.items() if issubclass(c, BaseModel) and not issubclass(c, RootModel)]
ENUMS = [n for n, c in OFFICIAL.items() if issubclass(c, Enum)]
ROOTS = [n for n, c in OFFICIAL.items() if issubclass(c, RootModel)]

# The official models of these two were made from another schema than the one the runtime prints.
OTHER_SCHEMA = {
    ("ApplyPatchGuardianApprovalReviewAction", "cwd"),
    ("ApplyPatchGuardianApprovalReviewAction", "files"),
    ("CommandGuardianApprovalReviewAction", "cwd"),
}


def kind(found: type) -> str:
    if issubclass(found, Enum):
        return "str enum" if issubclass(found, str) else "enum"
    return "root" if issubclass(found, RootModel) else "model"


def test_the_official_module_is_the_one_compared_with() -> None:
    assert len(OFFICIAL) > 1000
    assert len(MODELS) > 800
    assert len(ENUMS) > 100
    assert len(ROOTS) > 60


@pytest.mark.parametrize("name", OFFICIAL)
def test_every_official_class_exists_and_is_of_the_same_kind(name: str) -> None:
    assert name in ours.__all__
    assert kind(getattr(ours, name)) == kind(OFFICIAL[name])


@pytest.mark.parametrize("name", ENUMS)
def test_enum_members_have_the_official_names_and_values(name: str) -> None:
    expected = {member: found.value for member, found in getattr(official, name).__members__.items()}
    mine = {member: found.value for member, found in getattr(ours, name).__members__.items()}
    assert mine == expected
    for member in expected:
        theirs, own = getattr(official, name)[member], getattr(ours, name)[member]
        assert (str(own), repr(own), f"{own}") == (str(theirs), repr(theirs), f"{theirs}")


def plain(value: Any) -> Any:
    """A default without its enum: the official ones are bare strings where an enum is declared."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.value if isinstance(value, Enum) else value


def spelled(annotation: Any) -> str:
    """An annotation by its classes' names, its constraints left out."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return spelled(arguments[0])
    if origin in (Union, UnionType):
        return " | ".join(spelled(argument) for argument in arguments)
    if origin is Literal:
        return str(arguments)
    if annotation is list:
        return "list[Any]"
    if origin is not None:
        return f"{origin.__name__}[{', '.join(spelled(argument) for argument in arguments)}]"
    return str(getattr(annotation, "__name__", annotation))


@pytest.mark.parametrize("name", MODELS)
def test_fields_have_the_official_names_aliases_defaults_and_types(name: str) -> None:
    mine = getattr(ours, name).model_fields
    for field, expected in getattr(official, name).model_fields.items():
        assert field in mine
        found = mine[field]
        assert found.alias == expected.alias
        assert found.is_required() == expected.is_required()
        if expected.default is not PydanticUndefined:
            assert plain(found.default) == plain(expected.default)
        as_theirs = spelled(found.annotation) == spelled(expected.annotation)
        assert as_theirs != ((name, field) in OTHER_SCHEMA or values_typed(found.annotation))
    order = [field for field in mine if field in getattr(official, name).model_fields]
    assert order == list(getattr(official, name).model_fields)


def values_typed(annotation: Any) -> bool:
    """True of a map of plain values that may be None: the official annotation has Any for them."""
    return spelled(annotation) in {
        "dict[str, str] | NoneType",
        "dict[str, str | NoneType] | NoneType",
        "dict[str, bool] | NoneType",
    }


def test_a_default_that_is_an_enum_is_its_member() -> None:
    assert official.Turn.model_fields["items_view"].default == "full"
    assert ours.Turn.model_fields["items_view"].default is ours.TurnItemsView.full


def alternatives(annotation: Any) -> list[Any]:
    """What a union shows that is looked at once, as programs do, in its order."""
    return list(get_args(annotation)) if get_origin(annotation) in (Union, UnionType) else [annotation]


def is_open_end(alternative: Any, known: list[Any]) -> bool:
    """True of what takes what the schema lacks: an unknown variant, or any text beside a literal."""
    if isinstance(alternative, type) and issubclass(alternative, UnknownVariant):
        return True
    return alternative is str and any(get_origin(each) is Literal for each in known)


def tags(variant: Any) -> dict[str, tuple[Any, ...]]:
    """The literals among a variant's fields."""
    fields = getattr(variant, "model_fields", {})
    literals = {name: field.annotation for name, field in fields.items()}
    return {name: get_args(found) for name, found in literals.items() if get_origin(found) is Literal}


# The experimental messages are ours alone.
WITH_MORE = {"ClientRequest", "ServerNotification"}
# Here the literal comes first, because the enum beside it takes any text.
LITERAL_FIRST = {"ReasoningSummary"}


@pytest.mark.parametrize("name", ROOTS)
def test_a_root_shows_the_official_variants_with_their_tags_and_at_most_the_unknown_one_besides(
    name: str,
) -> None:
    expected = alternatives(getattr(official, name).model_fields["root"].annotation)
    mine = alternatives(getattr(ours, name).model_fields["root"].annotation)
    known = [each for each in mine if not is_open_end(each, mine)]
    assert len(mine) - len(known) <= 1
    assert mine[: len(known)] == known
    if name in LITERAL_FIRST:
        known.reverse()
    if name in WITH_MORE:
        official_names = {spelled(each) for each in expected}
        known = [each for each in known if spelled(each) in official_names]
    assert [spelled(each) for each in known] == [spelled(each) for each in expected]
    assert [tags(each) for each in known] == [tags(each) for each in expected]


def test_the_items_of_a_thread_are_nineteen_classes_with_a_type_and_the_unknown_one() -> None:
    *known, last = get_args(ours.ThreadItem.model_fields["root"].annotation)
    assert len(known) == len({get_args(each.model_fields["type"].annotation) for each in known}) == 19
    assert last is ours.UnknownThreadItem


def test_unknown_fields_are_kept_where_the_official_models_drop_them() -> None:
    raw = {"threadId": "t", "fromTomorrow": 1}
    assert official.ThreadClosedNotification.model_validate(raw).model_dump(by_alias=True) == {
        "threadId": "t"
    }
    assert ours.ThreadClosedNotification.model_validate(raw).model_dump(by_alias=True) == raw


def test_a_wrapper_holds_its_value_in_root() -> None:
    item = ours.ThreadItem.model_validate({"type": "plan", "id": "1", "text": "x"})
    assert isinstance(item, RootModel)
    assert isinstance(item.root, ours.PlanThreadItem)
    assert ours.ThreadItem(item.root) == ours.ThreadItem(root=item.root) == item


def test_star_import_gives_every_class_and_nothing_else() -> None:
    found: dict[str, Any] = {}
    exec(f"from {ours.__name__} import *", found)  # noqa: S102 - the only way to say it in a function
    del found["__builtins__"]
    assert list(ours.__all__) == sorted(found)
    assert {name: kind.__name__ for name, kind in found.items()} == {name: name for name in found}
