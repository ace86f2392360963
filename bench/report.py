"""What the rounds amount to: medians, ratios within each round, and the aims they meet or miss."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.loads import CONNECTIONS, Load
from bench.measure import Round
from bench.stage import processors

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Aim:
    """`part` against `whole`, in `measure` (a property of Round): at least or at most `bound`."""

    says: str
    part: str
    whole: str
    measure: str
    bound: float
    at_most: bool = False

    def ratio(self, rounds: Sequence[Sequence[Round]]) -> float | None:
        """The median of the ratios of each round; None where one of the two was not measured."""
        found = []
        for loads in rounds:
            by_name = {load.load: float(getattr(load, self.measure)) for load in loads}
            if self.part in by_name and self.whole in by_name:
                found.append(by_name[self.part] / by_name[self.whole])
        return median(found) if found else None

    def met(self, ratio: float) -> bool:
        """Whether the ratio is on the right side of the bound."""
        return ratio <= self.bound if self.at_most else ratio >= self.bound


AIMS = [
    Aim("claim function / plain INSERT", "claim", "plain_insert", "per_second", 0.35),
    Aim("HTTP bookings / claim function", "http_booking", "claim", "per_second", 0.5),
    Aim("HTTP refusals / HTTP bookings", "http_refusal", "http_booking", "per_second", 1.0),
    Aim(
        "p50 of a claim at 1,000,000 / at 10,000 bookings",
        *("claim_at_1000000", "claim_at_10000", "p50_ms"),
        1.25,
        at_most=True,
    ),
]


def table(loads: Sequence[Load], rounds: Sequence[Sequence[Round]]) -> str:
    """Medians of each load as Markdown; processor time in microseconds an operation, by whom."""
    lines = [
        "| load | a second | p50 ms | p99 ms | client µs | server µs | database µs |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for load in loads:
        done = [one for several in rounds for one in several if one.load == load.name]
        if not done:
            continue
        spent = [
            f"{median(one.cpu.get(whom, 0.0) / one.completed for one in done) * 1e6:,.0f}"
            for whom in ("client", "server", "database")
        ]
        figures = [
            f"{median(one.per_second for one in done):,.0f}",
            f"{median(one.p50_ms for one in done):.2f}",
            f"{median(one.p99_ms for one in done):.2f}",
        ]
        lines.append(f"| {load.title} | {' | '.join(figures + spent)} |")
    return "\n".join(lines)


def how_quiet(rounds: Sequence[Sequence[Round]]) -> str:
    """How much of the machine went to whoever else was on it: the less, the more a figure says."""
    cores = processors()[0]
    shares = [
        one.cpu.get("others", 0.0) / (one.seconds * cores) for several in rounds for one in several
    ]
    return (
        f"Other processes took {median(shares):.0%} of the processors in the median round,"
        f" {max(shares):.0%} in the worst."
    )


def verdicts(rounds: Sequence[Sequence[Round]]) -> str:
    """Each aim with its ratio, met or missed, as Markdown."""
    lines = ["| ratio | measured | aim | |", "|---|---:|---:|---|"]
    for aim in AIMS:
        ratio = aim.ratio(rounds)
        bound = f"{'≤' if aim.at_most else '≥'} {aim.bound}"
        if ratio is None:
            lines.append(f"| {aim.says} | not measured | {bound} | |")
        else:
            said = "met" if aim.met(ratio) else "MISSED"
            lines.append(f"| {aim.says} | {ratio:.2f} | {bound} | {said} |")
    return "\n".join(lines)


def keep(stamp: str, about: dict[str, Any], text: str, rounds: Sequence[Sequence[Round]]) -> Path:
    """Write the run as JSON, every round of it, and as Markdown; return the latter's path."""
    RESULTS.mkdir(exist_ok=True)
    whole = about | {
        "connections": CONNECTIONS,
        "ratios": {aim.says: aim.ratio(rounds) for aim in AIMS},
        "rounds": [[one.as_json() for one in several] for several in rounds],
    }
    (RESULTS / f"{stamp}.json").write_text(json.dumps(whole, indent=1) + "\n")
    page = RESULTS / f"{stamp}.md"
    page.write_text(f"# Bench of {stamp}\n\n{text}\n")
    return page


def keep_rounds(stamp: str, title: str, text: str, rounds: Sequence[Sequence[Round]]) -> Path:
    """Write every round as JSON, and the text as Markdown; return the latter's path."""
    RESULTS.mkdir(exist_ok=True)
    told = [[one.as_json() for one in several] for several in rounds]
    (RESULTS / f"{stamp}.json").write_text(json.dumps(told, indent=1) + "\n")
    page = RESULTS / f"{stamp}.md"
    page.write_text(f"# {title}\n\n{text}\n")
    return page
