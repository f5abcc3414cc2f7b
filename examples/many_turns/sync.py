"""Many turns of one client at once, one thread each: `python -m examples.many_turns.sync`."""

from concurrent.futures import ThreadPoolExecutor

from codex_app_server import Codex, CodexConfig, TurnResult

CITIES = ("Lisbon", "Tartu", "Ghent", "Kyoto", "Zadar", "Bergen", "Valparaíso", "Trieste")


def main(config: CodexConfig | None = None) -> None:
    """Ask about all cities at once."""
    with Codex(config) as codex, ThreadPoolExecutor(len(CITIES)) as pool:

        def ask(city: str) -> TurnResult:
            # A client may be used from any number of threads. A conversation has one turn at a time,
            # so what shall run side by side gets a thread of its own.
            return codex.thread_start(ephemeral=True).run(f"One short fact about {city}.")

        for city, result in zip(CITIES, pool.map(ask, CITIES), strict=True):
            print(f"{city}: {result.final_response}")


if __name__ == "__main__":
    main()
