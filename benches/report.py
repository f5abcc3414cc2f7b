"""Writes the report: `python -m benches.report target/benches/results.json docs`.

Puts the figures of a session into `benchmarks.md` and its charts beside it. Exits with 1 when a requirement
is missed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from . import charts
from .bounds import BOUNDS
from .requirements import REQUIREMENTS
from .results import Results

HEAD = """\
# Benchmarks

Written by `make bench` from one session; do not edit. Ours is `codex-app-server-sdk`, official is
`openai-codex`. Both run the same programs against the same server, which writes pre-baked, real-shaped
lines (204 bytes a delta) on a signal, as fast as the pipe takes them; every payload of a stream is
touched. Each figure
is the median of {rounds} rounds, in each of which everything of a row takes turns, each in a process of its
own. Ratios travel between machines, absolute figures do not. That both packages see the same (method, class
and dump of every event in order, and all of a result) is asserted in the same session. What brought the
most, and what was tried, stands in the [design notes](design/).

{machine}
"""

Cell = Callable[[Results, str], str]


def main() -> int:
    results, folder = Results(Path(sys.argv[1])), Path(sys.argv[2])
    names = charts.draw(results, folder / "benchmarks")
    (folder / "benchmarks.md").write_text(text(results, names), encoding="utf-8")
    missed = [each.work for each in REQUIREMENTS if each.kept(results) is False]
    print(f"{folder / 'benchmarks.md'} is written.")
    if results.about["quick"]:
        return 0
    for work in missed:
        print(f"missed: {work}")
    return 1 if missed else 0


def text(results: Results, pictures: Iterable[str]) -> str:
    about = results.about
    machine = table(("", ""), [(name, value) for name, value in machine_rows(about)])
    parts = [HEAD.format(rounds=about["rounds"], machine=machine), required(results)]
    parts += [f"![{name.removesuffix('.svg')}](benchmarks/{name})\n" for name in pictures]
    parts += [throughput(results), latency(results), control(results), answering(results)]
    parts += [memory(results), real(results), start(results)]
    return "\n".join(part for part in parts if part)


def machine_rows(about: dict[str, object]) -> list[tuple[str, str]]:
    commit = f"`{about['commit']}`" + (", with changes that are not committed" if about["changed"] else "")
    packages = about["packages"]
    versions = ", ".join(f"{name} {version}" for name, version in dict(packages).items())  # type: ignore[call-overload]
    return [
        ("commit", commit),
        ("date", str(about["date"])),
        ("machine", f"{about['cpu']}, {about['cores']} cores, {about['system']}"),
        ("Python", str(about["python"])),
        ("packages", versions),
        ("build", "release" if about["release"] else "**not a release build: the figures mean nothing**"),
    ]


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def number(value: float | None, form: str = "{:,.0f}") -> str:
    return "-" if value is None else form.format(value)


def cell(results: Results, key: str, who: str, figure: str | None = None, form: str = "{:,.0f}") -> str:
    return "hangs" if results.hangs(key, who) else number(results.value(key, who, figure), form)


def required(results: Results) -> str:
    verdicts = {True: "yes", False: "**no**", None: "-"}
    rows = [
        (each.work, each.required, each.text(results), verdicts[each.kept(results)]) for each in REQUIREMENTS
    ]
    bounds = [
        f"- **{each.work}.** {BOUNDS[each.work]}\n"
        for each in REQUIREMENTS
        if each.work in BOUNDS and each.kept(results) is False
    ]
    missed = ["\nWhat bounds the rows that are missed:\n", *bounds] if bounds else []
    return "## Required\n\n" + table(("work", "required", "measured", "reached"), rows) + "\n".join(missed)


def throughput(results: Results) -> str:
    keys = [
        key
        for shell in ("async", "sync")
        for what in ("streams", "run()", "text", "mixed")
        for key in results.keys(f"{shell} {what}")
    ]
    rows = [
        (
            key,
            cell(results, key, "ours"),
            cell(results, key, "official"),
            number(results.ratio(key, "ours", "official"), "{:,.1f} x"),
            cell(results, key, "drain"),
            cell(results, key, "decode"),
            number(cpu(results, key), "{:.2f} µs"),
        )
        for key in keys
    ]
    head = ("turns at once", "ours", "official", "ratio", "pipe drain", "decode", "our CPU per event")
    pipe = ", ".join(
        f"{name} {cell(results, 'pipe', who)} MB/s"
        for who, name in (("drain", "the bare drain"), ("cat", "`cat` to nowhere"))
    )
    return f"""## Throughput

Events per second. `run()` returns results and makes no objects of deltas; text is `stream_text()`, and for
the official package, whose handles have none, the deltas of `stream()`. Mixed turns have reasoning, command
output, items and diffs of 100 KB, and one line of 16 MB. Where the official package is slow it gets fewer
events of the same kind.

{table(head, rows)}
The limits: *pipe drain* is our own spawn, buffer and framing with everything behind them taken out
({pipe}); *decode* is msgspec's typed decoding of the same lines from memory and one step of a bare async
generator, which is what one thread of Python can do. CPU is of all our threads.
"""


def cpu(results: Results, key: str) -> float | None:
    seconds, events = results.value(key, "ours", "cpu_s"), results.value(key, "ours", "events")
    return None if seconds is None or not events else seconds / events * 1e6


def latency(results: Results) -> str:
    keys = [key for shell in ("sync", "async") for key in results.keys(f"{shell} first event")]
    rows = [
        (
            key,
            *(
                cell(results, key, who, figure)
                for who in ("ours", "official")
                for figure in ("p50_us", "p99_us")
            ),
            number(results.ratio(key, "ours", "official"), "{:.2f} x"),
            cell(results, key, "bare"),
        )
        for key in keys
    ]
    head = ("µs", "ours p50", "p99", "official p50", "p99", "ratio of p50", "bare p50")
    return f"""## First event

From the moment before an event is written to the pipe until its consumer has it, by one clock. Idle:
nothing else happens. Others: 99 other turns get deltas at the same time, 4,000 per second in all, or as
many as are read. *Bare* is a thread of Python that reads the pipe itself, or an asyncio task that is resumed
when the pipe is readable: one wake-up, nothing behind it, and no other thread.

At full speed the rows say how the two packages queue, and less how fast they are: ours reads everything at
once, so what is read waits for a thread of Python behind all that came before; the official reader is as
slow as its consumers, and what is not read waits in the runtime.

{table(head, rows)}"""


def control(results: Results) -> str:
    keys = [key for shell in ("async", "sync") for key in results.keys(f"{shell} control call")]
    rows = [
        (
            key,
            *(
                cell(results, key, who, figure)
                for who in ("ours", "official")
                for figure in ("p50_us", "p99_us")
            ),
            cell(results, key, "server"),
        )
        for key in keys
    ]
    head = ("µs", "ours p50", "p99", "official p50", "p99", "server p50")
    return f"""## Control calls

`models()` while that many turns are streamed in which nothing happens. *Server* is the answer's own time
over the same pipes, with nothing around it.

{table(head, rows)}"""


def answering(results: Results) -> str:
    approvals, calls = (
        [
            (
                key,
                cell(results, key, "ours"),
                cell(results, key, "official"),
                number(cpu(results, key), "{:.0f} µs"),
            )
            for key in results.keys(kind)
        ]
        for kind in ("approvals", "tool calls")
    )
    head = ("", "ours", "official", "our CPU per request")
    if not approvals:
        return ""
    return f"""## Requests of the runtime

Approvals answered per second, as fast as they come: 20 turns, four of each turn in flight. The official
package has a handler in its low-level client only, and calls it on the thread that reads, one request after
the other: nothing else is read meanwhile. Ours are called on threads of their own, or in a loop, up to 16 at
once for each conversation.

{table(head, approvals)}

Calls of tools, one of each turn in flight, as the runtime has it. A [tool](tools.md) is a function: its
arguments are checked, and its value is made what the protocol wants. By hand, a handler of the low-level
client does the latter alone.

{table(head, calls)}"""


def memory(results: Results) -> str:
    whos = ("ours", "official")
    rows = [
        ("unread event of 204 bytes", *(cell(results, "unread backlog", who) for who in whos), "-"),
        ("idle turn, started", *(cell(results, "idle turns", who, "started_bytes") for who in whos), "-"),
        (
            "idle turn, waited for",
            *(cell(results, "idle turns", who) for who in whos),
            cell(results, "idle turns", "tasks"),
        ),
    ]
    head = ("bytes of memory (RSS)", "ours", "official", "bare asyncio task")
    return f"## Memory\n\n{table(head, rows)}"


def real(results: Results) -> str:
    rows = []
    for key in results.keys("real runtime"):
        for who, name in (
            ("ours", "ours"),
            ("official", "official"),
            ("driver", "bare driver, 32 in flight"),
        ):
            figures = [("wall_s", "{:.1f} s"), ("cpu_s", "{:.2f} s"), ("cpu_us_per_event", "{:.1f} µs")]
            rows.append((key, name, *(cell(results, key, who, figure, form) for figure, form in figures)))
    head = ("turns", "", "wall", "client CPU", "per event")
    return f"""## The real runtime

All turns are issued at once, each in a thread of its own; the offline model answers from another process.
The bare driver is a loop over the runtime's lines that decodes only answers.

{table(head, rows)}"""


def start(results: Results) -> str:
    rows = [
        ("import", *(cell(results, "import", who) for who in ("ours", "official"))),
        (
            "import of Pydantic, with one model, and asyncio",
            cell(results, "import", "Pydantic, one model, asyncio"),
            "-",
        ),
    ]
    for shell in ("sync", "async"):
        key = f"{shell}, process start to first event"
        rows.append((key, *(cell(results, key, who) for who in ("ours", "official"))))
    return f"## Start\n\n{table(('ms', 'ours', 'official'), rows)}"


if __name__ == "__main__":
    sys.exit(main())
