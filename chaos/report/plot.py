"""What happened over time, drawn: answers a second, how long they took, and the faults behind."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Any

WIDTH, LEFT, RIGHT = 1000, 78, 12
PANEL, GAP, TOP, FOOT = 200, 34, 34, 34
HEIGHT = TOP + 2 * PANEL + GAP + FOOT
# From the bottom up.
RESULTS = ("ok", "fail", "unknown")
LINES = ("p50", "p99", "max")
TICKS = 5
Scale = Callable[[float], float]


def plot(found: dict[str, Any]) -> str:
    """An SVG as wide as its place; empty if nothing ever ended."""
    seconds, buckets = found["seconds"], found["timeline"]["buckets"]
    if not seconds:
        return ""
    across: Scale = lambda at: LEFT + (WIDTH - LEFT - RIGHT) * min(at / seconds, 1)  # noqa: E731
    parts = [
        *_faults(found["faults"], seconds, across),
        *_throughput(buckets, found["timeline"]["seconds"], across),
        *_latency(buckets, found["timeline"]["seconds"], across),
        *_time_axis(seconds, across),
    ]
    label = "Answers a second and their latency over the time of the run, with the faults marked"
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">'
        f"{''.join(parts)}</svg>"
    )


def _faults(faults: Sequence[dict[str, Any]], seconds: float, across: Scale) -> Iterator[str]:
    bottom = TOP + 2 * PANEL + GAP
    for number, fault in enumerate(faults, 1):
        end = seconds if fault["end"] is None else fault["end"]
        left, right = across(fault["begin"]), across(end)
        width = max(right - left, 1.5)
        title = escape(f"{number} {fault['name']}: {fault['begin']:.1f} to {end:.1f} s")
        yield (
            f'<g class="fault"><title>{title}</title>'
            f'<rect x="{left:.1f}" y="{TOP}" width="{width:.1f}" height="{bottom - TOP}"/>'
        )
        # A long run has more faults than there is room for numbers.
        crowded = len(faults) > 60
        yield (
            "</g>"
            if crowded
            else (
                f'<text x="{(left + right) / 2:.1f}" y="{TOP - 8}" text-anchor="middle">'
                f"{number}</text></g>"
            )
        )


def _throughput(buckets: Sequence[dict[str, Any]], width: float, across: Scale) -> Iterator[str]:
    totals = [sum(bucket[name] for name in RESULTS) / width for bucket in buckets]
    top, step = _nice(max(totals))
    bottom = TOP + PANEL
    up: Scale = lambda number: bottom - PANEL * number / top  # noqa: E731
    yield from _ticks([step * index for index in range(int(top / step) + 1)], up, "{:,.0f}")
    yield _title("answers a second", TOP)
    floor = [0.0] * len(buckets)
    for name in RESULTS:
        ceiling = [
            below + bucket[name] / width for below, bucket in zip(floor, buckets, strict=True)
        ]
        above = _stairs(buckets, ceiling, width, across, up)
        below = _stairs(buckets, floor, width, across, up)
        yield f'<polygon class="{name}" points="{" ".join([*above, *reversed(below)])}"/>'
        floor = ceiling


def _stairs(
    buckets: Sequence[dict[str, Any]],
    numbers: Sequence[float],
    width: float,
    across: Scale,
    up: Scale,
) -> list[str]:
    points = []
    for bucket, number in zip(buckets, numbers, strict=True):
        points += [
            f"{across(bucket['at']):.1f},{up(number):.1f}",
            f"{across(bucket['at'] + width):.1f},{up(number):.1f}",
        ]
    return points


def _latency(buckets: Sequence[dict[str, Any]], width: float, across: Scale) -> Iterator[str]:
    """Logarithmic, in milliseconds: an outage and an ordinary day fit on one sheet."""
    known = [bucket[name] for bucket in buckets for name in LINES if bucket[name]]
    low = math.floor(math.log10(max(min(known, default=1), 0.1)))
    high = max(math.ceil(math.log10(max(known, default=10))), low + 1)
    bottom = TOP + 2 * PANEL + GAP
    up: Scale = lambda ms: (  # noqa: E731
        bottom - PANEL * (math.log10(max(ms, 10.0**low)) - low) / (high - low)
    )
    yield from _ticks([10.0**power for power in range(low, high + 1)], up, "{:,g} ms")
    yield _title("latency: half, 99 of 100, and all are below", TOP + PANEL + GAP)
    for name in LINES:
        for there, those in _runs(buckets, name):
            if there:
                points = [
                    f"{across(one['at'] + width / 2):.1f},{up(one[name]):.1f}" for one in those
                ]
                yield f'<polyline class="{name}" points="{" ".join(points)}"/>'


def _runs(
    buckets: Sequence[dict[str, Any]], name: str
) -> Iterator[tuple[bool, list[dict[str, Any]]]]:
    """Stretches with and without answers: no line is drawn where nobody was answered."""
    those: list[dict[str, Any]] = []
    for bucket in buckets:
        there = bucket[name] is not None
        if those and (those[0][name] is not None) != there:
            yield those[0][name] is not None, those
            those = []
        those.append(bucket)
    if those:
        yield those[0][name] is not None, those


def _time_axis(seconds: float, across: Scale) -> Iterator[str]:
    _, step = _nice(seconds)
    bottom = TOP + 2 * PANEL + GAP
    at = 0.0
    while at <= seconds:
        yield (
            f'<text x="{across(at):.1f}" y="{bottom + 20}" text-anchor="middle">{at:,g} s</text>'
            f'<line class="axis" x1="{across(at):.1f}" y1="{bottom}" x2="{across(at):.1f}"'
            f' y2="{bottom + 5}"/>'
        )
        at += step


def _ticks(values: Sequence[float], up: Scale, words: str) -> Iterator[str]:
    for value in values:
        y = up(value)
        yield (
            f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>'
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{words.format(value)}</text>'
        )


def _title(words: str, top: float) -> str:
    return f'<text class="title" x="{LEFT + 6}" y="{top + 14}">{words}</text>'


def _nice(most: float) -> tuple[float, float]:
    """The top of an axis that shows `most`, and the distance of its ticks: 1, 2 or 5 times ten."""
    rough = max(most, 1) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= rough)
    return step * math.ceil(max(most, 1) / step), step
