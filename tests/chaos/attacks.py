"""Attacks as somebody at a prompt starts them, and what they leave in their folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from chaos.checkers import Verdict, read_verdicts
from chaos.evidence import Evidence
from chaos.run import EVIDENCE, VERDICT

CHECKOUT = Path(__file__).parents[2]
LOCUST = ("locust", "-f", "chaos/locustfile.py", "--headless", "--only-summary")


@dataclass(frozen=True)
class Attacked:
    """A run that is over."""

    code: int
    output: str
    folder: Path

    @property
    def verdicts(self) -> dict[str, Verdict]:
        assert (self.folder / VERDICT).exists(), self.output
        return {verdict.checker: verdict for verdict in read_verdicts(self.folder / VERDICT)}

    @property
    def convicted_by(self) -> set[str]:
        """The checkers that failed."""
        return {name for name, verdict in self.verdicts.items() if verdict.status == "FAIL"}

    def counted(self, condition: str) -> int:
        """How many operations there were of a kind."""
        evidence = Evidence(self.folder / EVIDENCE)
        number = evidence.one(f"SELECT count(*) FROM operations WHERE {condition}")
        evidence.close()
        return number

    def header(self):
        return json.loads((self.folder / "run.json").read_text())["header"]


def attack(server, folder, *words, owner=True, vendor=None, api_key=None):
    """Run Locust with our file against the server."""
    database = server.database
    done = subprocess.run(
        [
            *(sys.executable, "-m", *LOCUST, "--host", server.url, "-r", "100"),
            *("--vendor", vendor or server.vendor, "--folder", str(folder), *words),
        ],
        check=False,
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        timeout=600,
        env={
            "PATH": os.environ["PATH"],
            "CHAOS_API_KEY": api_key or server.api_key,
            "CHAOS_DATABASE_URL": database.app_url,
            "CHAOS_OWNER_URL": database.owner_url if owner else "",
        },
    )
    return Attacked(done.returncode, done.stdout + done.stderr, Path(folder))
