"""A monitor beside the work, as a thread: `python -m examples.monitoring.sync`."""

import threading

from codex_app_server import Codex, CodexConfig, NotificationStream
from codex_app_server.models import ThreadNameUpdatedNotification, TurnCompletedNotification

CITIES = ("Lisbon", "Tartu", "Ghent")


def main(config: CodexConfig | None = None) -> None:
    """Do some work while a monitor listens."""
    with Codex(config) as codex:
        # It listens from here on, whenever the thread comes to read it.
        events = codex.notifications(TurnCompletedNotification, ThreadNameUpdatedNotification)
        monitor = threading.Thread(target=watch, args=(events,))
        monitor.start()
        for city in CITIES:
            thread = codex.thread_start()
            thread.run(f"One short fact about {city}.")
            thread.set_name(city)
        monitor.join()
        print(codex.stats()["events_lost"], "events lost")


def watch(events: NotificationStream) -> None:
    """Say what happens, until the last thread has its name."""
    with events:
        for event in events:
            match event.payload:
                case TurnCompletedNotification(turn=turn):
                    print("a turn is", turn.status.value)
                case ThreadNameUpdatedNotification(thread_name=name):
                    print("a thread is called", name)
                    if name == CITIES[-1]:
                        break


if __name__ == "__main__":
    main()
