"""A report for people, for programs, and for Prometheus."""

from __future__ import annotations

import json
import os
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from app.consistency.checks import BY_NAME
from app.consistency.queries import Report

# Raised when a member is taken away or changes its meaning; new members do not raise it.
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Scope:
    """What was asked to be looked at: a vendor's slug or None, a moment or None."""

    vendor: str | None = None
    since: datetime | None = None

    @property
    def labels(self) -> dict[str, str]:
        """For metrics, so that runs of several kinds can stand beside one another."""
        return {"scope": "since" if self.since else "all", "vendor": self.vendor or ""}


def as_document(scope: Scope, report: Report) -> dict[str, Any]:
    """The report as one JSON object."""
    return {
        "format": FORMAT,
        "status": _status(report),
        "at": _moment(report.at),
        "seconds": round(report.seconds, 3),
        "vendor": scope.vendor,
        "since": _moment(scope.since),
        "checks": report.as_json(),
        **({"error": report.unable} if report.unable else {}),
    }


def _status(report: Report) -> str:
    if report.unable:
        return "could_not_run"
    return "clean" if report.clean else "findings"


def as_failure(scope: Scope, error: str) -> dict[str, Any]:
    """What is said instead of a report when the checks could not run."""
    return {
        "format": FORMAT,
        "status": "could_not_run",
        "at": _moment(datetime.now(UTC)),
        "vendor": scope.vendor,
        "since": _moment(scope.since),
        "error": error,
        "checks": [],
    }


def show(report: Report) -> None:
    """Print a table, and below it the first offenders of each check that failed."""
    console = Console()
    table = Table("check", "result", "found", "seconds")
    for result in report.results:
        verdict = "[green]PASS[/]" if result.status == "PASS" else "[red]FAIL[/]"
        found = "?" if result.unable else f"{result.violations:,}"
        table.add_row(result.check_name, verdict, found, f"{result.seconds:.2f}")
    console.print(table)
    failed = [result for result in report.results if result.status == "FAIL"]
    for result in failed:
        finds = BY_NAME[result.check_name].finds
        shown = len(result.offenders)
        first = "" if shown == result.violations else f" The first {shown}:"
        found = "it could not run" if result.unable else f"{result.violations:,} ({finds})"
        console.print(f"\n[bold]{result.check_name}[/]: {found}.{first}")
        for offender in result.offenders:
            # Not by the console, which would break lines that a person wants to copy.
            click.echo(f"  {json.dumps(offender)}")
    unable = sum(result.unable for result in failed)
    said = f"{len(failed) - unable} of them found something" if failed else "all clean"
    said += f", {unable} could not run" if unable else ""
    console.print(
        f"\n{len(report.results)} checks of {report.at:%Y-%m-%d %H:%M:%S}Z,"
        f" {said}, in {report.seconds:.1f} s."
    )


def write_textfile(path: Path, scope: Scope, status: int, report: Report | None) -> None:
    """Write the outcome for node_exporter's textfile collector: whole or not at all.

    `status` is the exit code. Without a report (the checks could not run) there are no counts.
    """
    lines = [
        "# HELP slotkeeper_consistency_status 0 clean, 1 findings, 2 could not run.",
        "# TYPE slotkeeper_consistency_status gauge",
        _sample("slotkeeper_consistency_status", status, scope.labels),
        "# HELP slotkeeper_consistency_run_timestamp_seconds When the check last ended.",
        "# TYPE slotkeeper_consistency_run_timestamp_seconds gauge",
        _sample("slotkeeper_consistency_run_timestamp_seconds", int(time.time()), scope.labels),
    ]
    for name, meaning, member in (
        ("violations", "What each check found.", "violations"),
        ("check_seconds", "How long each check took.", "seconds"),
    ):
        metric = f"slotkeeper_consistency_{name}"
        lines += [f"# HELP {metric} {meaning}", f"# TYPE {metric} gauge"]
        for result in report.as_json() if report else []:
            labels = {"check": result["check_name"], **scope.labels}
            lines.append(_sample(metric, result[member], labels))
    _replace(path, "\n".join(lines) + "\n")


def _replace(path: Path, text: str) -> None:
    """The collector never sees half a file: it is written beside, then renamed."""
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        # mkstemp's are for their owner only, and the collector is somebody else.
        Path(beside).chmod(0o644)
        Path(beside).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(beside).unlink()
        raise


def _sample(metric: str, value: float, labels: dict[str, str]) -> str:
    # Names of checks and slugs of vendors: nothing in them needs escaping.
    said = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{metric}{{{said}}} {value}"


def _moment(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None
