"""Every answer is a documented one that this question can get, and the server never fails."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from chaos.checkers import Checker, Finding
from chaos.checkers.levels import Slots
from chaos.checkers.openings import BY_TIME
from chaos.checkers.unanswered import never_answered
from chaos.codes import BUSY_STATES, DOCUMENTED, OUTAGES, TOO_LONG, expected
from chaos.doors.trespasses import BY_NAME
from chaos.evidence import Evidence
from chaos.faults.overload import failures

# No SQLSTATE and no code: what a client sees when nobody answers.
SILENCE = {
    *("HUNG_UP", "NO_JSON", "ConnectionRefusedError", "ConnectionResetError", "BrokenPipeError"),
    *("RemoteDisconnected", "TimeoutError", "IncompleteRead", "BadStatusLine", "OSError"),
    *("OperationalError", "ConnectionTimeout", "ConnectionAbortedError", "CannotSendRequest"),
    *("ResponseNotReady", "InterfaceError", "DatabaseError"),
}
FOR_SOMEBODY = "json_extract(asked, '$.customer_id') IS NOT NULL"
ANSWERS = f"""
    SELECT door,
           CASE WHEN {BY_TIME} THEN 'book_time'
                WHEN kind IN ('book', 'confirm') AND {FOR_SOMEBODY} THEN kind || '_for'
                ELSE kind END,
           result, code, status,
           key IS NOT NULL, min(n), count(*), attacker
    FROM operations WHERE kind <> 'trespass' AND code <> ''
    GROUP BY 1, 2, result, code, status, key IS NOT NULL
"""
TRESPASSES = """
    SELECT n, attacker, door, began, ended, result, code, asked FROM operations
    WHERE kind = 'trespass'
"""


def _undocumented(evidence: Evidence) -> Iterator[Finding]:
    for door, kind, result, code, status, keyed, n, times, attacker in evidence.query(ANSWERS):
        about = f"{times} times, first operation {n} by {attacker}: {kind} by {door}: {code}"
        if status is not None:
            about += f" ({status})"
        if door == "http" and status and status >= 400 and DOCUMENTED.get(code) != status:
            yield Finding("undocumented_answer", about)
        elif result == "fail" and code not in expected(door, kind, keyed=bool(keyed)) | SILENCE:
            yield Finding("unexpected_answer", about)


def _failures(evidence: Evidence) -> Iterator[Finding]:
    """A 500 is never right; another failure needs a fault that excuses it."""
    for one, excuse in failures(evidence):
        about = (
            f"operation {one.number} by {one.attacker}: {one.kind} by {one.door}: {one.code}"
            f" ({one.status})"
        )
        if one.status == 500:
            yield Finding("server_error", about)
        elif not excuse:
            outage = one.code in {*OUTAGES, TOO_LONG}
            kind = "outage_without_fault" if outage else "no_answer_without_fault"
            yield Finding(kind, about)
    yield from never_answered(evidence)


def _trespasses(evidence: Evidence) -> Iterator[Finding]:
    slots = Slots(evidence)
    odd: Counter[str] = Counter()
    for n, attacker, door, began, ended, result, code, asked in evidence.query(TRESPASSES):
        wanted = json.loads(asked)
        trespass = BY_NAME[wanted["trespass"]]
        about = f"operation {n} by {attacker}, {trespass.name}: {code}"
        if code == "SUCCEEDED":
            slot_id = wanted["slot_id"]
            known = slot_id in slots.first
            if trespass.always:
                yield Finding("trespass_succeeded", about)
            elif known and not slots.surely(slot_id).falls_to(0, began, ended):
                yield Finding("trespass_succeeded", f"{about}, though the slot was held")
        elif result == "fail" and code not in _refusals(door, trespass.refusals):
            odd[f"{trespass.name}: {code}"] += 1
            if odd[f"{trespass.name}: {code}"] == 1:
                yield Finding("refused_by_no_law", about)


def _refusals(door: str, laws: frozenset[str]) -> set[str]:
    """The role may wait for a table, and is refused before it has looked at any row; the owner may
    meet others, or nothing.
    """
    waited = {*laws, *BUSY_STATES, TOO_LONG}
    return waited if door == "role" else {*waited, "NO_ROWS"}


CODES = Checker(
    "answers_are_documented",
    "Every answer has a documented code with its status, and one that this question can get.",
    _undocumented,
    "SELECT count(*) FROM operations WHERE kind <> 'trespass'",
    required=True,
)
FAILURES = Checker(
    "server_never_fails",
    "No 500 ever; no other failure but while something was broken on purpose, or the machine was so"
    " busy that mere looks took a second and more.",
    _failures,
    "SELECT count(*) FROM operations",
    required=True,
)
TRESPASSERS = Checker(
    "trespassers_are_refused",
    "Rows that break a law are refused by that law, whoever writes them; the application's role may"
    " write none by hand.",
    _trespasses,
    "SELECT count(*) FROM operations WHERE kind = 'trespass' AND code <> 'NO_ROWS'",
)
