"""Whether the faults of a run really happened, and whether the service came back after each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chaos.checkers import Checker, Finding
from chaos.evidence import Evidence
from chaos.faults.record import read_struck


def survived(folder: Path, wanted: list[str]) -> Checker:
    """The checker of the run in this folder, which was to meet these faults."""

    def find(_: Evidence) -> Iterator[Finding]:
        struck = read_struck(folder)
        for name in wanted:
            if name not in {one.name for one in struck}:
                yield Finding("never_happened", f"{name}: let the run be longer")
        for one in struck:
            about = f"{one.name} at {one.begin:.1f} s"
            if one.end is None:
                yield Finding("never_ended", about)
                continue
            if one.failed:
                yield Finding("could_not_be_made", f"{about}: {one.failed}")
            elif not any(one.hit.values()):
                yield Finding("hit_nothing", about)
            if one.back_seconds is None:
                # Whatever became of the fault: this is of what it was made for.
                yield Finding("service_did_not_come_back", about)

    return Checker(
        "faults_are_survived",
        "What was to break did break, and the service came back by itself.",
        find,
        "SELECT count(*) FROM faults",
    )
