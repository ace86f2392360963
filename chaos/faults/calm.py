"""A run in which nearly every failure had an excuse has proved nothing about failures."""

from __future__ import annotations

from collections.abc import Iterator

from chaos.checkers import Checker, Finding
from chaos.evidence import Evidence
from chaos.faults.excuses import Excuses
from chaos.faults.overload import overload_of

# Of a run as long as this, so many of the seconds must be without excuse.
LONG_SECONDS, CALM_SHARE = 600.0, 1 / 3
# A shorter one meets each fault once, one hard after the other: of it, so many of the attempts.
# What is shorter still is a trial of one fault, and proves nothing else.
SHORT_SECONDS, CALM_ATTEMPTS_SHARE = 60.0, 0.005


def _excused(evidence: Evidence) -> Iterator[Finding]:
    calm = Excuses(evidence).calm()
    if calm.of_seconds >= LONG_SECONDS:
        enough = calm.seconds >= CALM_SHARE * calm.of_seconds
    elif calm.of_seconds >= SHORT_SECONDS:
        enough = calm.attempts >= CALM_ATTEMPTS_SHARE * calm.of_attempts
    else:
        enough = True
    if not enough:
        about = f"{calm.words}: let the run be longer, or faults further apart"
        yield Finding("hardly_ever_calm", about)
    overload = overload_of(evidence)
    if overload.too_often:
        about = f"{overload.words}: the machine has too much to do, or what is attacked hangs"
        yield Finding("out_of_time_too_often", about)


CALM = Checker(
    "failures_had_no_excuse",
    "Of a run of ten minutes or more, nothing excused a failure for a third of the seconds; of one"
    " of a minute or more, for one attempt in two hundred. Of one of 10,000 attempts or more, not"
    " more than one in a thousand ran out of time for no other reason than a busy machine.",
    _excused,
    "SELECT count(*) FROM operations",
)
