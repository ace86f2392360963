"""From a run's folder to its verdict: collect the evidence, ask every checker, keep the answers."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path
from typing import Any

import psycopg

from chaos import snapshot
from chaos.checkers import Checker, Verdict, judge, write_verdicts
from chaos.checkers.all import CHECKERS
from chaos.checkers.happened import EVERYTHING
from chaos.evidence import Evidence
from chaos.faults.calm import CALM
from chaos.faults.survived import survived
from chaos.report import write_report
from chaos.run import EVIDENCE, VERDICT, clock_moved, clock_of, faults_of, read_run
from chaos.stage import Stage

# Nobody who attacks takes these away: where none of them is, the run has never been.
PROVIDERS = "SELECT count(*) FROM providers WHERE vendor_id = %s AND id = ANY(%s::uuid[])"

# With these it ends when nobody can tell.
UNTOLD = (psycopg.Error, sqlite3.Error, OSError, ValueError)
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NO_ROOM_IN_SQLITE = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}


def untold(folder: Path, error: Exception) -> str:
    """Why nobody can tell what the run in this folder has come to, and what to do about it."""
    number = getattr(error, "errno", None)
    # The lowest byte says what kind of error it is.
    kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if number in NO_ROOM or kind in NO_ROOM_IN_SQLITE:
        return (
            f"Nobody can tell whether the promises held: {folder} could not be written. {error}."
            f" Make room there, and then: python -m chaos judge {folder}"
        )
    return f"Nobody can tell whether the promises held. {error}"


def judge_run(
    folder: Path,
    database_url: str,
    extra: tuple[Checker, ...] = (),
    *,
    as_far_as_it_came: bool = False,
) -> list[Verdict]:
    """Read the database as it is now, and judge the history of this folder by it.

    `as_far_as_it_came`: the report may call promises held of a run that ended early.

    Raises psycopg.Error when the database cannot be read, ValueError when it is another, OSError
    and sqlite3.Error when there is no room. Can be done again at any time, as long as nothing of
    the run's slots has been changed since.
    """
    header, stage = read_run(folder)
    with psycopg.connect(database_url) as connection:
        _require_its_database(connection, stage)
        rows = snapshot.read(connection, stage.vendor_id, stage.providers, header["run_id"])
        # From here on the transaction sees what stood at this moment, however long it reads.
        connection.execute("SELECT")
        clock = clock_of(header)
        now = clock.now() if clock else None
        moved = 0.0 if now is None else clock_moved(header, now)
        evidence = Evidence.collect(folder, rows, now, moved)
    return _judged(folder, evidence, extra, as_far_as_it_came=as_far_as_it_came)


def _require_its_database(connection: psycopg.Connection[Any], stage: Stage) -> None:
    """Nothing, if anything is there that the run began with. Raises ValueError."""
    try:
        row = connection.execute(PROVIDERS, [stage.vendor_id, stage.providers]).fetchone()
    except psycopg.errors.UndefinedTable:
        row = (0,)
    connection.rollback()
    if stage.providers and not (row and row[0]):
        raise ValueError("Nothing of the run is in this database: it is another server's.")


def judge_again(
    folder: Path, extra: tuple[Checker, ...] = (), *, as_far_as_it_came: bool = False
) -> list[Verdict]:
    """Judge by the evidence that was collected when this run was judged first; no database is read.

    Raises ValueError when it has not been collected, or not to its end.
    """
    path = folder / EVIDENCE
    if not path.exists():
        raise ValueError(f"{folder} has no evidence yet: it takes the database to collect it.")
    evidence = Evidence(path)
    try:
        complete = evidence.complete
    except sqlite3.DatabaseError:
        complete = False
    if not complete:
        evidence.close()
        raise ValueError(f"The evidence in {folder} is not complete: collect it once more.")
    # Worked out from the rest; the checkers of today may work it out in another way.
    evidence.connection.executescript("DROP TABLE IF EXISTS sure; DROP TABLE IF EXISTS may;")
    return _judged(folder, evidence, extra, as_far_as_it_came=as_far_as_it_came)


def asked_of(header: dict[str, Any], extra: tuple[Checker, ...]) -> tuple[Checker, ...]:
    """What of a workload's own checkers is asked of the run with this header: that everything has
    happened only where there was a user of every kind.
    """
    few = header["users"] < header.get("kinds", 0)
    return tuple(one for one in extra if not few or one.name != EVERYTHING.name)


def _judged(
    folder: Path, evidence: Evidence, extra: tuple[Checker, ...], *, as_far_as_it_came: bool
) -> list[Verdict]:
    header, _ = read_run(folder)
    extra = asked_of(header, extra)
    wanted = faults_of(header)
    faults = (survived(folder, wanted),) if wanted else ()
    # What a workload says of a checker counts in its runs.
    own = {checker.name for checker in extra}
    usual = [checker for checker in CHECKERS if checker.name not in own]
    try:
        verdicts = judge(evidence, (*usual, *faults, CALM, *extra))
        write_verdicts(verdicts, folder / VERDICT)
        write_report(folder, evidence, verdicts, as_far_as_it_came=as_far_as_it_came)
    finally:
        evidence.close()
    return verdicts
