"""From a run's folder to its verdict: collect the evidence, ask every checker, keep the answers."""

from __future__ import annotations

from pathlib import Path

import psycopg

from chaos import snapshot
from chaos.checkers import Checker, Verdict, judge, write_verdicts
from chaos.checkers.all import CHECKERS
from chaos.evidence import Evidence
from chaos.faults.survived import survived
from chaos.run import VERDICT, faults_of, read_run


def judge_run(folder: Path, database_url: str, extra: tuple[Checker, ...] = ()) -> list[Verdict]:
    """Read the database as it is now, and judge the history of this folder by it.

    Raises psycopg.Error when the database cannot be read. Can be done again at any time, as long
    as nothing of the run's slots has been changed since.
    """
    header, stage = read_run(folder)
    with psycopg.connect(database_url) as connection:
        rows = snapshot.read(connection, stage.vendor_id, stage.providers, header["run_id"])
        evidence = Evidence.collect(folder, rows)
    try:
        wanted = faults_of(header)
        faults = (survived(folder, wanted),) if wanted else ()
        verdicts = judge(evidence, (*CHECKERS, *faults, *extra))
    finally:
        evidence.close()
    write_verdicts(verdicts, folder / VERDICT)
    return verdicts
