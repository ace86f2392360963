"""What a run has come to, on one screen: counts, the verdict, and the command that repeats it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from chaos.history import Operation, most_at_once
from chaos.sweep import Finding

FINDINGS_SHOWN = 10
HELD = """\
No place was taken twice, and no slot was ever given beyond its capacity.
No acknowledged booking was lost, no refused one is there, and nobody was refused without a reason.
The server never failed, and the sweep of the vendor's data finds nothing."""


def report(title: str, history: Sequence[Operation], findings: Sequence[Finding]) -> str:
    """The report of a run that was judged."""
    seconds = max((operation.ended or 0.0 for operation in history), default=0.0)
    together = most_at_once(history)
    lines = [
        "",
        title,
        f"{len(history)} operations in {seconds:.1f} s, up to {together} under way at one moment:",
        *_counts(history),
        "",
    ]
    if not findings:
        return "\n".join([*lines, HELD])
    lines.append(f"VIOLATED: {len(findings)} findings")
    for kind, found in groupby(sorted(findings, key=lambda f: f.kind), key=lambda f: f.kind):
        same = list(found)
        lines += [f"  {kind} ({len(same)})", *(f"    {one.about}" for one in same[:FINDINGS_SHOWN])]
        if len(same) > FINDINGS_SHOWN:
            lines.append(f"    and {len(same) - FINDINGS_SHOWN} more")
    return "\n".join(lines)


def _counts(history: Sequence[Operation]) -> Iterator[str]:
    counts = Counter((o.kind, o.door, o.result, o.code or "no answer") for o in history)
    for (kind, door, result, code), number in sorted(counts.items()):
        yield f"  {kind:<7}{door:<6}{result:<9}{code:<28}{number:>7}"


def repetition(seed: int, iterations: int, users: int, seconds: int | None, commit: str) -> str:
    """How to run the same again. `seconds`: how long it may last; None: as long as it takes."""
    at = f" (commit {commit}, same target)" if commit else " (same target)"
    return (
        f"Repeat it{at}: python -m chaos run --seed {seed} --iterations {iterations}"
        f" --users {users}{f' --duration {seconds}' if seconds else ''}\n"
        "The seed fixes what each user asks for, not the order in which the users meet."
    )
