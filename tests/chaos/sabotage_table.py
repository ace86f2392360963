"""The kept table of sabotages: what convicted each, how often, and how its clean run went.

Written when a run of tests/chaos/test_sabotage.py ends and `SLOTKEEPER_SABOTAGE_TABLE` names the
file, which is docs/chaos/sabotages.md. A sabotage that failed its test is not in it.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from chaos.sabotage import Sabotage

KEPT = Path(__file__).parents[2] / "docs/chaos/sabotages.md"
HEAD = """# Every sabotage, tried

Commit {commit}, {day}, {cores} cores (Python {python}). Each line is a run with one guard broken,
beside a clean run with the same seed on the same server, in which every checker found nothing. Who
meets whom is chance: a sabotage is given up to four seeds (7, 8, 9 and 10), and the one that
convicted stands here. Numbers are findings, by kind. Where a law stopped the harm, it says how many
statements it refused; the data stayed sound. It is made by

```
export SLOTKEEPER_TEST_SABOTAGES=all SLOTKEEPER_SABOTAGE_TABLE=docs/chaos/sabotages.md
.venv/bin/python -m pytest tests/chaos/test_sabotage.py
```

| | workload, seed | attempts, clean | attempts, broken | convicted by | stopped by |
|---|---|---:|---:|---|---|
"""


@dataclass(frozen=True)
class Tried:
    """A sabotage that was found, or stopped. `found`: of each checker, its findings by kind.

    `refused`: how many statements its law refused; None: it has none.
    """

    sabotage: Sabotage
    seed: str
    commit: str
    clean: int
    broken: int
    found: dict[str, dict[str, int]]
    refused: int | None

    @property
    def line(self) -> str:
        """As it stands in the table."""
        convicted = "; ".join(
            f"`{who}` ({', '.join(f'{kind} {number:,}' for kind, number in sorted(kinds.items()))})"
            for who, kinds in sorted(self.found.items())
        )
        stopped = "" if self.refused is None else f"{self.sabotage.law}, {self.refused:,} times"
        about = f"`{self.sabotage.name}` | `{self.sabotage.workload}`, {self.seed}"
        sizes = f"{self.clean:,} | {self.broken:,}"
        return f"| {about} | {sizes} | {convicted or 'nobody: harmless'} | {stopped} |"


def write(tried: list[Tried]) -> None:
    """Keep the table where the environment says, if it says so."""
    path = os.environ.get("SLOTKEEPER_SABOTAGE_TABLE")
    if path and tried:
        (commit,) = {one.commit for one in tried}
        head = HEAD.format(
            commit=commit,
            day=f"{datetime.now(UTC):%Y-%m-%d}",
            cores=os.cpu_count(),
            python=platform.python_version(),
        )
        Path(path).write_text(head + "\n".join(one.line for one in tried) + "\n")
