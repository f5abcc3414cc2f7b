"""The page of the example in which a person approves, as its visitor sees it."""

from __future__ import annotations

import re

import httpx

CARD = re.compile(r"<article>.*?</article>", re.S)


class Page:
    """The page as its visitor sees it."""

    def __init__(self, link: str) -> None:
        self.link = link
        self.origin = link.partition("/enter")[0]
        self.client = httpx.Client(base_url=self.origin, trust_env=False)

    def enter(self) -> None:
        answer = self.client.get(self.link)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")

    def cards(self, count: int = 1) -> list[str]:
        """What is to be decided, once there is that much."""
        while True:
            answer = self.client.get("/")
            assert answer.status_code == 200
            cards: list[str] = CARD.findall(answer.text)
            # Nobody who reads a card loses it.
            assert ('http-equiv="refresh"' in answer.text) is not bool(cards)
            if len(cards) == count:
                return cards

    def answer(
        self, card: str, answer: str, headers: dict[str, str] | None = None, **fields: str
    ) -> httpx.Response:
        form = dict(re.findall(r'name="(request|form)" value="([^"]+)"', card))
        assert set(form) == {"request", "form"}
        body = {name: value for name, value in {**form, "answer": answer, **fields}.items() if value}
        return self.client.post("/answer", data=body, headers={"Origin": self.origin, **(headers or {})})
