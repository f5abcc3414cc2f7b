"""What the turns of the demonstration are about, and what the offline model says to them.

Owns the words and the pace. The same number gives the same story on every machine. `show` asks for stories,
nobody else does; with a login only the prompts are used.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import cached_property

from codex_app_server.testing import Answer, Message, Pause, Reasoning, Script

_PEOPLE = (
    ("a lighthouse keeper", "she"),
    ("a beekeeper", "he"),
    ("a clockmaker", "she"),
    ("a night-train guard", "he"),
    ("a mapmaker", "she"),
    ("a glassblower", "he"),
    ("an astronomer", "she"),
    ("a ferry pilot", "he"),
    ("a librarian", "she"),
    ("a baker", "he"),
    ("a kite maker", "she"),
    ("a typesetter", "he"),
    ("a tea merchant", "she"),
    ("a piano tuner", "he"),
    ("a botanist", "she"),
    ("a bridge painter", "he"),
    ("a weather clerk", "she"),
)
_PLACES = (
    "in Trieste",
    "above Bergen",
    "by the Douro",
    "in old Kyoto",
    "on Skye",
    "near Valparaíso",
    "in Lisbon",
    "outside Tartu",
    "on Naxos",
    "in Ghent",
    "beside Lake Como",
    "in Zadar",
    "at Cape Wrath",
)
_FINDS = (
    "a letter without an address",
    "a key that fits nothing",
    "a jar of slow fireflies",
    "half of a blue map",
    "a compass that points home",
    "a seed nobody can name",
    "a clock that runs on rain",
    "a song with one verse missing",
    "a very polite fox",
    "an umbrella full of stars",
    "a door leaning on a hedge",
)
_OPENINGS = (
    "Just before the first tram, {who} {where} finds {what}.",
    "It is Tuesday, and {who} {where} has found {what}.",
    "The fog lifts, and there, as if by appointment, {who} {where} finds {what}.",
    "Nobody is awake yet when {who} {where} comes across {what}.",
)
_MIDDLES = (
    "{They} puts the kettle on, because some questions want tea before they want an answer.",
    "The harbour bell rings twice, which it has not done since the year of the long snow.",
    "A neighbour leans out of the window and says that it was here yesterday as well.",
    "{They} turns it over, and the light goes all the way through.",
    "Somewhere below, a radio plays the weather for a sea that is not on any chart.",
    "By noon half the street has an opinion, and the other half has brought cake.",
    "The cat, who knows more than it lets on, sits down beside it and waits.",
    "{They} writes the date in the margin and, after some thought, the smell of the air.",
    "Three gulls arrive in a line, like a sentence that has not decided where to end.",
    "Old rope, new paint, warm bread: the morning goes on as if nothing had happened.",
    "{They} asks the river, which has never been in a hurry to reply.",
    "A child on a red bicycle stops, nods gravely and rides on with the news.",
    "It weighs almost nothing, and then, when {they} smiles, it weighs nothing at all.",
    "On the quay the fishermen agree about it, which is the first thing they agree about this month.",
    "{They} wraps it in a newspaper from a year that has not happened yet.",
    "The swallows have built around it with great tact.",
    "An old man says that his grandmother had one just like it, only in green.",
    "For an hour the wind holds its breath and the washing hangs still.",
    "{They} tries three languages and a whistle; the whistle works.",
    "Up the hill the orchestra is tuning, and one violin has got the idea already.",
    "The post office offers a form for it, which is kind, and four pages long.",
    "{They} looks in the encyclopaedia under every letter but the right one.",
    "Snow begins, thinks better of it, and turns into apple blossom.",
    "The bakery names a bun after it before anyone knows what it is.",
    "A moth lands on it and reads, or seems to, for quite a while.",
    "{They} sets it on the sill, where it makes the geraniums look well informed.",
    "Two students measure it, write down different numbers, and are both right.",
    "At four o'clock its shadow points the other way, as if it had changed its mind.",
)
_ENDINGS = (
    "In the evening {they} leaves it on the wall, in case its owner is only late.",
    "{They} keeps it, of course; one does not send such a thing away.",
    "When the lamps come on, it hums a little, and {they} hums back.",
    "And that, {they} says, locking the door, is why the good chairs stay outside.",
    "The next day there are two of them, and nobody is surprised.",
    "Nothing else happens, beautifully, until Thursday.",
    "The tide comes to look, finds all in order and goes out again.",
    "For the first time in years {they} forgets to wind the clock.",
    "It is in the museum now, on the top shelf, still warm.",
    "{They} has an answer by midnight, and keeps it for a better question.",
    "All the windows in the street stay lit a little longer.",
    "Ask there today and they will tell you that it was a swan.",
)
_THOUGHTS = (
    "Picturing the place first.",
    "Looking for a good first line.",
    "Listening for the tone.",
    "Choosing what to leave out.",
)

CLOSING_PROMPT = "In one paragraph: why is it pleasant to watch many answers arrive at once?"
_CLOSING = (
    "Because waiting is only dull when nothing moves. One answer is a drop: you look at it, and it takes "
    "the time it takes. Many answers are rain on a lake: each ring small, none in the way of another, and "
    "the whole surface alive. Every line you saw on the wall was a conversation of its own, with its own "
    "thread and its own turn, and all of them came through one runtime and one event loop. Nobody queued; "
    "nobody raised their voice."
)


@dataclass(frozen=True)
class Story:
    """One turn's subject.

    Args:
        number: Which one, from 0.
    """

    number: int

    @property
    def label(self) -> str:
        """Who it is about, in a word or two."""
        return self._who[0].split(" ", 1)[1]

    @property
    def prompt(self) -> str:
        """What the turn asks; different for each of the first 2,431 stories."""
        return f"Write about 80 words: {self._who[0]} {self._place} finds {self._find}. Only the story."

    # The three lists have lengths without a common factor, so their combinations do not repeat soon.

    @property
    def _who(self) -> tuple[str, str]:
        return _PEOPLE[self.number * 5 % len(_PEOPLE)]

    @property
    def _place(self) -> str:
        return _PLACES[self.number % len(_PLACES)]

    @property
    def _find(self) -> str:
        return _FINDS[self.number % len(_FINDS)]

    def _dice(self, purpose: str) -> random.Random:
        return random.Random(f"{purpose} {self.number}")  # noqa: S311 - for variety, and the same each time

    @cached_property
    def text(self) -> str:
        """The story."""
        dice = self._dice("words")
        hero, they = self._who
        opening = dice.choice(_OPENINGS).format(who=hero, where=self._place, what=self._find)
        rest = [*dice.sample(_MIDDLES, dice.randint(4, 6)), dice.choice(_ENDINGS)]
        return " ".join([opening, *(line.format(they=they, They=they.capitalize()) for line in rest)])

    def answer(self, turns: int, pace: float) -> Answer:
        """The story as the offline model tells it, one of `turns`: a thought at once, a pause, then words.

        The time it takes is multiplied by `pace`. With very many turns words come in larger pieces, so that
        the server's pace shows and not its limit.
        """
        words = self.text.split(" ")
        step = 1 + turns // 250
        pieces = [" ".join(words[at : at + step]) for at in range(0, len(words), step)]
        chunks = [*(f"{piece} " for piece in pieces[:-1]), pieces[-1]]
        dice = self._dice("pace")
        seconds = pace * dice.uniform(5.0, 8.5)
        return Answer(
            Reasoning(dice.choice(_THOUGHTS)),
            Pause(pace * dice.uniform(0.3, 1.6)),
            Message(chunks, chunk_delay_s=seconds / len(chunks)),
        )


def script(stories: list[Story], pace: float) -> Script:
    """The offline model's script for a run of `stories`, and the answer that follows them."""
    answers: dict[str | re.Pattern[str], Answer] = {
        story.prompt: story.answer(len(stories), pace) for story in stories
    }
    answers[CLOSING_PROMPT] = Answer(Message(_CLOSING, chunk_delay_s=pace * 0.03))
    return answers
