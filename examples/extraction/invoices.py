"""What is wanted of a letter, and how it is shown."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter, model_validator
from typing_extensions import Self

LETTERS = Path(__file__).parent / "letters"


class Line(BaseModel):
    text: str
    amount: Decimal = Field(description="The whole line's, not that of one piece")


class Invoice(BaseModel):
    """An invoice, with every line that costs something."""

    kind: Literal["invoice"]
    sender: str
    number: str
    date: datetime.date
    lines: list[Line]
    total: Decimal
    currency: str = Field("EUR", pattern="^[A-Z]{3}$")

    @model_validator(mode="after")
    def adds_up(self) -> Self:
        """No schema can say this. Pydantic checks it all the same."""
        lines = sum(line.amount for line in self.lines)
        if lines != self.total:
            raise ValueError(f"the lines add up to {lines}, and the total is {self.total}")
        return self


class OtherLetter(BaseModel):
    """A letter that asks for no money."""

    kind: Literal["other"]
    about: str = Field(description="In three to six words")


# The annotation tells type checkers what they cannot see in the call. By the discriminator Pydantic knows
# which of the two was meant, and says what is wrong with that one only.
READING: TypeAdapter[Invoice | OtherLetter] = TypeAdapter(
    Annotated[Invoice | OtherLetter, Field(discriminator="kind")]
)


def letters() -> list[Path]:
    """The letters, by name."""
    return sorted(LETTERS.glob("*.txt"))


def question(letter: Path) -> str:
    """What the model is asked."""
    return f"What does this letter say?\n\n{letter.read_text(encoding='utf-8')}"


def report(read: Iterable[tuple[Path, Invoice | OtherLetter | str]]) -> None:
    """Print a line for each letter. A text is the reason for which it could not be read."""
    for letter, found in read:
        match found:
            case Invoice():
                amount = f"{found.total} {found.currency}"
                print(f"{letter.name:<15}{found.sender:<32}{found.date}{amount:>12}")
            case OtherLetter():
                print(f"{letter.name:<15}no invoice: {found.about}")
            case reason:
                print(f"{letter.name:<15}not read: {reason}")
