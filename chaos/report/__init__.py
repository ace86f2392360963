"""What a run has come to, for a stranger: `report.html`, which needs nothing else, and JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from chaos.checkers import Verdict
from chaos.evidence import Evidence
from chaos.report.figures import figures
from chaos.report.page import page

HTML, JSON = "report.html", "report.json"


def write_report(folder: Path, evidence: Evidence, verdicts: Sequence[Verdict]) -> None:
    """Both files, in the run's folder, from what is in it; the same again gives the same."""
    found = figures(folder, evidence, verdicts)
    (folder / JSON).write_text(json.dumps(found, indent=2), encoding="utf-8")
    (folder / HTML).write_text(page(found), encoding="utf-8")
