"""parts: hours of long days, slots that join, and several providers at once, in either order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from chaos.attackers.changers import Canceller
from chaos.attackers.parts import Dealer, JointTaker, PartBlocker, PartReader, PartTaker
from chaos.checkers.contended import happened
from chaos.checkers.parts import HELD_AS_ASKED, NEVER_ABORTED
from chaos.stage import StageBuilder
from chaos.workloads import Workload

DAY, OPENS = timedelta(days=1), timedelta(hours=9)
SEVERAL = "kind = 'book' AND result = 'ok' AND json_array_length(asked, '$.slots') > 1"
PART = "kind = 'book' AND json_extract(asked, '$.start') IS NOT NULL"


def prepare(builder: StageBuilder) -> None:
    """Days from nine to five for one and for several, half days that join, a therapist, a room."""
    dice, hours = builder.dice, timedelta(hours=8)
    builder.slots("days", [1, dice.randint(2, 4)], length=hours, opens=OPENS, every=DAY)
    builder.slots("joined", [dice.randint(1, 2)] * 2, length=hours / 2, opens=OPENS)
    builder.slots("therapist", [1, 1], length=hours, opens=OPENS, every=DAY)
    builder.slots("room", [1, 2], length=hours, opens=OPENS, every=DAY)


def _prepare_all(builder: StageBuilder) -> None:
    """The same, and a day for the one who needs units dealt again."""
    prepare(builder)
    builder.slots("dealt", [2], length=timedelta(hours=8), opens=OPENS)


WORKLOAD = Workload(
    "parts",
    "Time is given once, part by part; who needs several slots or providers has all or none.",
    _prepare_all,
    # Nobody by hand: claims alone must not deadlock one another.
    {PartTaker: 4, JointTaker: 5, Canceller: 5, PartReader: 1, PartBlocker: 1, Dealer: 0},
    (
        NEVER_ABORTED,
        replace(HELD_AS_ASKED, required=True),
        happened("parts_were_booked", "Somebody got a part.", f"{PART} AND result = 'ok'"),
        happened(
            "parts_were_refused", "Somebody did not.", f"{PART} AND code = 'BOOKING_CONFLICT'"
        ),
        happened(
            "providers_were_found_by_time",
            "Somebody named a provider and a time, and got slots.",
            "kind = 'book' AND result = 'ok' AND json_extract(asked, '$.provider_id') IS NOT NULL",
        ),
        happened("slots_were_joined", "Somebody got several slots or providers.", SEVERAL),
        happened(
            "units_were_dealt_again",
            "Somebody got a place all day between others.",
            "attacker LIKE 'Dealer %' AND kind = 'book' AND result = 'ok'"
            " AND json_extract(asked, '$.start') IS NULL",
        ),
        happened(
            "parts_were_shown",
            "Somebody saw a part.",
            "kind = 'read' AND answer LIKE '%\"parts\"%'",
        ),
    ),
)
