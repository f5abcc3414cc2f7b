"""A program and its tests, offline: `python -m examples.offline_testing.async`.

In a project of one's own the first part would be the program and the second part a file of tests, run by
pytest with a plugin for coroutines.
"""

import asyncio

from codex_app_server import AsyncCodex
from codex_app_server.testing import OfflineModel


async def translations(codex: AsyncCodex, text: str, languages: list[str]) -> dict[str, str]:
    """The program: a text in several languages, all asked for at once."""

    async def translate(language: str) -> str:
        thread = await codex.thread_start(ephemeral=True)
        result = await thread.run(f"Translate to {language}: {text}")
        return result.final_response or ""

    return dict(zip(languages, await asyncio.gather(*map(translate, languages)), strict=True))


async def test_each_language_gets_its_own_translation() -> None:
    # Answers by prompt: the order in which the requests arrive does not matter.
    model = OfflineModel({"Translate to Spanish: sea": "mar", "Translate to Estonian: sea": "meri"})
    async with model, AsyncCodex(model.config()) as codex:
        found = await translations(codex, "sea", ["Spanish", "Estonian"])
        assert found == {"Spanish": "mar", "Estonian": "meri"}


async def test_the_translations_are_asked_for_at_once() -> None:
    async with OfflineModel("…") as model, AsyncCodex(model.config()) as codex:
        # Answers are held back until both questions have arrived: a program that asked one after the
        # other would never get that far.
        model.hold()
        asking = asyncio.create_task(translations(codex, "sea", ["Spanish", "Estonian"]))
        await model.wait_for_requests_async(2)
        model.release()
        assert len(await asking) == 2


async def main() -> None:
    """Run the tests, as pytest would."""
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            await test()
            print(f"passed: {name}")


if __name__ == "__main__":
    asyncio.run(main())
