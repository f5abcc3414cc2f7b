"""The report's charts, as SVG. Draws what `results` has and leaves out what was not measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl

from .results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

mpl.use("svg")
# The same figures give the same file.
mpl.rcParams.update({"svg.hashsalt": "benches", "font.size": 9, "axes.spines.top": False})
mpl.rcParams.update({"axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.3})

COLOURS = {
    "ours": "#1f6feb",
    "official": "#d1495b",
    "drain": "#6e7781",
    "decode": "#2da44e",
    "server": "#6e7781",
}
NAMES = {
    "ours": "codex-app-server-sdk",
    "official": "openai-codex",
    "drain": "bare pipe drain",
    "decode": "msgspec decode + async step",
    "server": "the server's own answer",
}


def draw(results: Results, folder: Path) -> list[str]:
    """Write all charts; their file names."""
    folder.mkdir(parents=True, exist_ok=True)
    charts = {"throughput.svg": throughput, "latency.svg": latency, "memory.svg": memory}
    for name, chart in charts.items():
        figure = chart(results)
        figure.savefig(folder / name, bbox_inches="tight", metadata={"Date": None})
    return list(charts)


def panels(count: int) -> tuple[Any, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6 * count, 3.4))
    return figure, [figure.add_subplot(1, count, number + 1) for number in range(count)]


def count_of(key: str) -> int:
    """The number in a row's name."""
    return int("".join(filter(str.isdigit, key)))


def lines(axes: Axes, results: Results, keys: list[str], whos: tuple[str, ...]) -> None:
    for who in whos:
        points = [(count_of(key), value) for key in keys if (value := results.value(key, who)) is not None]
        if points:
            xs, ys = zip(*points, strict=True)
            style = "-o" if who in {"ours", "official"} else "--"
            axes.plot(xs, ys, style, color=COLOURS[who], label=NAMES[who], markersize=4)


def throughput(results: Results) -> Any:
    figure, both = panels(2)
    for axes, shell in zip(both, ("async", "sync"), strict=True):
        keys = results.keys(f"{shell} streams")
        lines(axes, results, keys, ("drain", "decode", "ours", "official"))
        axes.set(xscale="log", yscale="log", xlabel="turns at once", title=f"{shell} streams")
        axes.set_ylabel("events per second")
    both[0].legend(fontsize=8)
    return figure


def latency(results: Results) -> Any:
    figure, (left, right) = panels(2)
    bars = [(shell, figure_) for shell in ("sync", "async") for figure_ in ("p50_us", "p99_us")]
    for offset, who in enumerate(("ours", "official")):
        heights = [results.value(f"{shell} first event, idle", who, name) or 0 for shell, name in bars]
        places = [number + offset * 0.4 - 0.2 for number in range(len(bars))]
        left.bar(places, heights, 0.38, color=COLOURS[who], label=NAMES[who])
    left.set_xticks(range(len(bars)), [f"{shell}, {name[:3]}" for shell, name in bars])
    left.set(title="first event, idle", ylabel="µs from the pipe to the consumer")
    left.legend(fontsize=8)
    keys = results.keys("async control call")
    lines(right, results, keys, ("ours", "official", "server"))
    hanging = [count_of(key) for key in keys if results.hangs(key, "official")]
    if hanging:
        top = right.get_ylim()[1]
        label = "openai-codex hangs"
        right.plot(hanging, [top] * len(hanging), "x", color=COLOURS["official"], label=label)
    right.set_xscale("symlog", linthresh=10)
    right.set(title="async control call", xlabel="idle turns", ylabel="p50 in µs")
    right.set_ylim(bottom=0)
    right.legend(fontsize=8)
    return figure


def memory(results: Results) -> Any:
    figure, both = panels(2)
    rows = (("unread backlog", "bytes per unread event"), ("idle turns", "bytes per idle turn"))
    for axes, (key, label) in zip(both, rows, strict=True):
        whos = ("ours", "official")
        heights = [results.value(key, who) or 0 for who in whos]
        drawn = axes.bar([NAMES[who] for who in whos], heights, 0.5, color=[COLOURS[who] for who in whos])
        axes.bar_label(drawn, fmt="{:,.0f}")
        axes.set(title=key, ylabel=label)
    return figure
