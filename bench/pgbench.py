"""Load on the database by pgbench, with prepared statements, as the application's role."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from bench.measure import BenchError, Round, children_seconds, percentile

SCRIPTS = Path(__file__).parent / "sql"


def run_pgbench(
    binary: Path,
    url: str,
    load: str,
    variables: dict[str, object],
    *,
    script: str,
    connections: int,
    seconds: float = 0,
    transactions: int = 0,
) -> Round:
    """One round of `script`, for whole seconds or for `transactions` by each connection.

    The scripts fail when a call has another outcome than theirs. Raises BenchError.
    """
    amount = f"--time={max(1, round(seconds))}" if seconds else f"--transactions={transactions}"
    given = [f"--define={name}={value}" for name, value in variables.items()]
    with tempfile.TemporaryDirectory(prefix="slotkeeper-pgbench-") as folder:
        cpu = children_seconds()
        done = subprocess.run(
            [
                *(binary, "--no-vacuum", "--protocol=prepared", f"--client={connections}"),
                *("--log", f"--log-prefix={folder}/log", amount, *given),
                f"--file={SCRIPTS / script}",
            ],
            env=_environment(url),
            capture_output=True,
            text=True,
            check=False,
        )
        cpu = children_seconds() - cpu
        if done.returncode != 0:
            raise BenchError(f"pgbench {script} failed:\n{done.stdout}{done.stderr}")
        latencies = _latencies(Path(folder))
    completed = int(_number(r"number of transactions actually processed: (\d+)", done.stdout))
    if completed != len(latencies):
        raise BenchError(f"pgbench counted {completed} transactions and logged {len(latencies)}.")
    per_second = _number(r"tps = ([\d.]+) \(without initial connection time\)", done.stdout)
    return Round(
        load=load,
        seconds=completed / per_second,
        completed=completed,
        p50_ms=percentile(latencies, 50) / 1000,
        p99_ms=percentile(latencies, 99) / 1000,
        outcomes={"as the script demands": completed},
        cpu={"client": cpu},
    )


def _environment(url: str) -> dict[str, str]:
    """The address for libpq; in the command line everybody could read the password."""
    parts = urlsplit(url)
    return {
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port),
        "PGUSER": parts.username or "",
        "PGPASSWORD": parts.password or "",
        "PGDATABASE": parts.path.lstrip("/"),
        "PGSSLMODE": "disable",
    }


def _latencies(folder: Path) -> list[int]:
    """Microseconds of each transaction, in order of length: the log's third column."""
    lines = (line for log in folder.iterdir() for line in log.read_text().splitlines())
    return sorted(int(line.split(" ", 3)[2]) for line in lines)


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    if found is None:
        raise BenchError(f"pgbench did not say {pattern!r}:\n{text}")
    return float(found.group(1))
