"""What a run may begin with: refusals at the prompt, before anything is started."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from chaos.conclusion import UNKNOWN
from chaos.history import is_written
from chaos.leftovers import clear_away, place_of, still_at_it
from chaos.run import HISTORY, RUN
from chaos.sabotage.all import SABOTAGES
from chaos.target import DEMO_FILE

# What names a deployment that somebody has: no run with a demo of its own goes near it.
ADDRESSES = ("target_url", "vendor", "api_key", "database_url", "owner_url")
# Users whose run was killed notice it and end, at once but for what else the machine has to do.
LET_GO_SECONDS = 10.0


def look_into(folder: Path | None, *, resume: bool) -> None:
    """Nothing, if a run can begin in this folder, or go on there; else words, and the end."""
    if folder is not None and resume:
        _refuse_what_never_began(folder)
    elif folder is not None:
        _refuse_what_has_begun(folder)


def _refuse_what_never_began(folder: Path) -> None:
    """Nothing, if there is a run to go on with; else what it left is cleared away. Ends us."""
    if (pid := still_at_it(folder)) is not None:
        raise click.UsageError(f"The run in {folder} is still going on: it is process {pid}.")
    # Whoever is left of a demo of its own is ended when that is started again.
    if place_of(folder) is None and goes_on(folder):
        raise click.UsageError(f"The run in {folder} is still going on.")
    if (folder / RUN).exists():
        return
    if clear_away(folder):
        click.echo(
            f"The run in {folder} was broken off before its attack began. What it had started is"
            " ended, and its demo removed. Begin it anew: the same command without --resume."
        )
    else:
        click.echo(f"There is no run in {folder}: begin one without --resume.")
    sys.exit(UNKNOWN)


def goes_on(folder: Path) -> bool:
    """Whether somebody still attacks for the run in this folder."""
    return is_written(folder / HISTORY, LET_GO_SECONDS)


def _refuse_what_has_begun(folder: Path) -> None:
    """Nothing, if no run is in that folder. Raises UsageError. What one left that never began is
    cleared away: nobody would find it once its folder is another run's.
    """
    if (folder / RUN).exists():
        raise click.UsageError(f"{folder} has a run already: choose another, or --resume it.")
    if (pid := still_at_it(folder)) is not None:
        raise click.UsageError(f"A run is beginning in {folder}: it is process {pid}.")
    clear_away(folder)


def refuse_sabotage(sabotage: str | None, *, fresh: bool) -> None:
    """Nothing, if there is such a guard, and a demo that nobody needs. Raises UsageError."""
    if sabotage is not None and sabotage not in SABOTAGES:
        raise click.UsageError(f"There is no sabotage {sabotage!r}: python -m chaos sabotages.")
    if sabotage is not None and not fresh:
        raise click.UsageError("--sabotage breaks a --fresh demo, and nothing else.")


def refuse_addresses(options: dict[str, Any], demo_file: Path) -> None:
    """Nothing, if nobody has named a deployment that is there already. Raises UsageError."""
    variables = {f"CHAOS_{name.upper()}": name for name in ADDRESSES}
    named = [f"--{name.replace('_', '-')}" for name in ADDRESSES if options[name]]
    named += [variable for variable in variables if os.environ.get(variable)]
    named += ["--demo-file"] if demo_file != DEMO_FILE else []
    if named:
        raise click.UsageError(
            f"A run with a demo of its own attacks nothing else, but {', '.join(named)}"
            f" {'names' if len(named) == 1 else 'name'} something: leave that out, or --fresh."
        )
