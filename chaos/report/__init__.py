"""What a run has come to, for a stranger: `report.html`, which needs nothing else, and JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from chaos.checkers import Verdict
from chaos.evidence import Evidence
from chaos.report.figures import figures
from chaos.report.page import page

HTML, JSON = "report.html", "report.json"
# What is kept with the documentation is read in a browser, and cloned by everybody.
KEPT_BYTES_MAX = 1_000_000
PATHS = re.compile(r"(?<![\w:/.<])/(?:home|root|tmp|var|opt|srv|mnt|work|Users|private)/[\w.-]+")


def write_report(
    folder: Path,
    evidence: Evidence,
    verdicts: Sequence[Verdict],
    *,
    as_far_as_it_came: bool = False,
) -> None:
    """Both files, in the run's folder, from what is in it; the same again gives the same."""
    found = figures(folder, evidence, verdicts, as_far_as_it_came=as_far_as_it_came)
    (folder / JSON).write_text(json.dumps(found, indent=2), encoding="utf-8")
    (folder / HTML).write_text(page(found), encoding="utf-8")


def keep_report(folder: Path, name: Path) -> list[Path]:
    """Copy the report of a run to `name`.html and `name`.json, for others to read.

    Raises ValueError when it names a path of this machine, or is larger than such a page may be.
    """
    kept = []
    for file in (HTML, JSON):
        text = (folder / file).read_text(encoding="utf-8")
        if found := PATHS.search(text):
            raise ValueError(f"{folder / file} names {found[0]}, which is of this machine.")
        if len(text.encode()) > KEPT_BYTES_MAX:
            raise ValueError(f"{folder / file} is larger than {KEPT_BYTES_MAX:,} bytes.")
        kept.append(name.with_suffix(Path(file).suffix))
    name.parent.mkdir(parents=True, exist_ok=True)
    for file, path in zip((HTML, JSON), kept, strict=True):
        path.write_text((folder / file).read_text(encoding="utf-8"), encoding="utf-8")
    return kept
