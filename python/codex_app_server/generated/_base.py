"""The base classes of every generated model.

Owns what all models have in common: unknown fields are kept, values outside an enum become members
that keep their text, a variant that the schema does not know becomes an ``UnknownVariant`` and a value
of another type an ``UnknownValue``, so that a newer runtime costs no data. Owns also how a union is read by its tag
and what an object without one is, and when and how validators are built. Written by hand; the generated modules derive from
these classes and programs may test for them with ``isinstance``.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Union, get_args

import pydantic.main
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    GetCoreSchemaHandler,
    RootModel,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import CoreSchema, SchemaSerializer, core_schema

# Threads that touch a new model at once: one builds it, the others wait. Pydantic has this lock since
# 2.14; the same one is taken here, so that there is no order of two locks to get wrong.
_building = getattr(pydantic.main, "_rebuild_lock", None) or threading.RLock()

_reused: set[type[BaseModel]] = set()


def reuse(*models: type[BaseModel]) -> None:
    """Has each of these built by itself before a model that it is part of, which then shares it.

    Pydantic would build a part that is not complete anew into every model. The models of a first turn
    are built in a third of the time like this.
    """
    _reused.update(models)


def _reused_parts(annotation: Any) -> Iterator[type[BaseModel]]:
    for argument in get_args(annotation):
        yield from _reused_parts(argument)
    if isinstance(annotation, type) and annotation in _reused:
        yield annotation


class _BuiltOnFirstUse(BaseModel):
    @classmethod
    def model_rebuild(
        cls,
        *,
        force: bool = False,
        raise_errors: bool = True,
        _parent_namespace_depth: int = 2,
        _types_namespace: Any = None,
    ) -> bool | None:
        """Build the validator, unless it is there. Called when the model is first used."""
        with _building:
            if not cls.__pydantic_complete__:
                for field in cls.__pydantic_fields__.values():
                    for part in _reused_parts(field.annotation):
                        part.model_rebuild()
            return super().model_rebuild(
                force=force,
                raise_errors=raise_errors,
                # One frame more, counted from where names are looked up.
                _parent_namespace_depth=_parent_namespace_depth and _parent_namespace_depth + 1,
                _types_namespace=_types_namespace,
            )


class ProtocolModel(_BuiltOnFirstUse):
    """An object of the protocol.

    Fields are snake_case and carry the wire's name as alias; both are accepted. Fields that this
    version does not know are kept in ``model_extra`` and written back by ``model_dump``.
    """

    # Validators are built at first use: importing all models would otherwise build all of them.
    # Errors do not quote values, which may be keys.
    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="allow", populate_by_name=True, defer_build=True, hide_input_in_errors=True
    )


class ProtocolRoot(_BuiltOnFirstUse, RootModel[Any]):
    """A value of the protocol that is not an object of fixed fields; ``root`` holds it."""

    # RootModel[Any] and an annotation in each subclass, rather than RootModel[X]: a parametrized
    # base is one more class to create for every wrapper.
    model_config: ClassVar[ConfigDict] = ConfigDict(
        populate_by_name=True, defer_build=True, hide_input_in_errors=True
    )


class UnknownVariant(ProtocolModel):
    """A variant of a union that this version does not know, or whose fields changed their types.

    Its data is kept as it came: under the wire's names as attributes, in ``model_extra``, and in
    ``model_dump``. Each union has a subclass of its own, such as ``UnknownThreadItem``.
    """

    if TYPE_CHECKING:
        # Whatever came is an attribute, so a program may read one without a type error.
        def __getattr__(self, name: str) -> Any: ...


@dataclass(frozen=True, slots=True)
class Tagged:
    """Reads a flat union by the field `tag` of its models, then by what no tag leads to.

    Pydantic's own discriminator refuses an unknown tag, and two models of one tag. Nesting such a union in
    another would show a program that looks at the annotation a union of two instead of the variants.
    """

    tag: str

    def sorted(self, union: Any) -> tuple[dict[str, type[BaseModel]], list[type[BaseModel]]]:
        """The models of `union` by their tags, and the others: of one tag the later ones, and the unknown."""
        by_tag: dict[str, type[BaseModel]] = {}
        others: list[type[BaseModel]] = []
        for model in get_args(union):
            texts = get_args(model.model_fields[self.tag].annotation)
            if not texts or by_tag.setdefault(texts[0], model) is not model:
                others.append(model)
        return by_tag, others

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        by_tag, others = self.sorted(source)
        tagged: Any = Annotated[Union[tuple(by_tag.values())], Discriminator(self.tag)]  # noqa: UP007
        # From left to right: the unknown variant takes any object.
        choices: list[CoreSchema | tuple[CoreSchema, str]] = [
            handler.generate_schema(each) for each in (tagged, *others)
        ]
        return core_schema.union_schema(choices, mode="left_to_right")


def tag_or(tag: str, variant: str) -> WrapValidator:
    """Reads an object without `tag` as `variant`, in a union that has this beside its discriminator.

    The tag counts as not set, so `model_dump(exclude_unset=True)` writes the object as it was given.
    """

    def read(value: Any, validated: ValidatorFunctionWrapHandler) -> Any:
        if not isinstance(value, dict) or tag in value:
            return validated(value)
        # The copy is what is read: the caller's own dict stays without the tag.
        model = validated({**value, tag: variant})
        model.__pydantic_fields_set__.discard(tag)
        return model

    return WrapValidator(read)


@dataclass(slots=True)
class UnknownValue:
    """A value of another type than this version knows, as it came: ``root`` holds the raw JSON.

    It stands in an answer's model where the changed field is, and ``model_dump`` writes it back as it
    came. Pydantic warns then that the value is not of the field's type; ``model_dump(warnings=False)``
    does not.
    """

    root: Any

    # Pydantic writes a value that is not of its field's type as the type of the value says, unless that
    # has a __dict__, as a model has: then it is taken for the field's own model.
    __pydantic_serializer__: ClassVar[SchemaSerializer] = SchemaSerializer(
        core_schema.any_schema(
            serialization=core_schema.plain_serializer_function_ser_schema(attrgetter("root"))
        )
    )


class OpenEnum(Enum):
    """An enum that takes any string: values that the schema lacks become members of their own.

    Such a member has the text as its ``name`` and ``value``, equals and hashes like any other of the
    same text, can be pickled and copied, and is not listed by the class. It is made anew each time
    rather than cached: the peer chooses the text, and a cache of it would grow without bound.
    """

    @classmethod
    def _missing_(cls, value: object) -> OpenEnum | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value) if issubclass(cls, str) else object.__new__(cls)
        member._name_ = value
        member._value_ = value
        return member

    @property
    def is_known(self) -> bool:
        """True where the schema lists this value."""
        return type(self)._member_map_.get(self._name_) is self

    def __eq__(self, other: object) -> bool:
        return self is other or (type(other) is type(self) and other._value_ == self._value_)

    def __hash__(self) -> int:
        return hash(self._value_)

    def __reduce_ex__(self, protocol: object) -> tuple[type[OpenEnum], tuple[str]]:
        return type(self), (self._value_,)


class OpenStrEnum(str, OpenEnum):
    """An ``OpenEnum`` whose members are strings too."""
