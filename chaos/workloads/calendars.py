"""calendars: hours, exceptions, time off and imports change while a crowd books that very time."""

from __future__ import annotations

from dataclasses import replace

from chaos.attackers.calendars import CalendarKeeper, OpeningsReader, TimeCustomer
from chaos.attackers.loner import Loner
from chaos.attackers.services import ServiceCanceller
from chaos.attackers.tidier import Tidier
from chaos.checkers.calendars import CLOSED, KEPT, OPEN, SHOWN
from chaos.checkers.contended import all_happened, happened
from chaos.checkers.happened import CLAIMED_AGAIN
from chaos.checkers.openings import BY_TIME
from chaos.checkers.places import GIVEN
from chaos.stage import StageBuilder
from chaos.workloads import Workload

HOURS = [["09:00", "17:00"]]


def prepare(builder: StageBuilder) -> None:
    """One place, several, one whose slots are published by SQL, one for the loner; two days, from
    nine to five; and two of a day that has begun.
    """
    several = builder.dice.randint(2, 3)
    builder.calendar("dentist", HOURS, 1, days=2)
    builder.calendar("pool", HOURS, several, days=2)
    builder.calendar("doctor by SQL", HOURS, 1, days=2, by_sql=True)
    builder.calendar("doctor of one", HOURS, 1, days=1, alone=True)
    builder.day_at_hand("dentist today", 1)
    builder.day_at_hand("pool today by SQL", several, by_sql=True)
    builder.wait_for_days_at_hand()


WORKLOAD = Workload(
    "calendars",
    "What is closed or busy is nobody's, what is open and free is anybody's, whatever changes.",
    prepare,
    # Nobody by hand: what raw writers leave open is closed when somebody next looks.
    {
        TimeCustomer: 8,
        OpeningsReader: 2,
        ServiceCanceller: 4,
        CalendarKeeper: 4,
        Loner: 0,
        Tidier: 0,
    },
    (
        # Of what schedules publish nobody is told: places are counted by the half hour.
        replace(GIVEN, required=False),
        replace(KEPT, required=True),
        *(CLOSED, OPEN, SHOWN),
        *(
            happened(name, promise, condition)
            for name, promise, condition in (
                ("hours_were_changed", "A week.", "kind = 'hours' AND result = 'ok'"),
                ("days_were_excepted", "A day.", "kind = 'exception' AND result = 'ok'"),
                ("time_off_was_taken", "Time off.", "kind = 'time_off' AND result = 'ok'"),
                ("calendars_were_imported", "Imports.", "kind = 'calendar' AND result = 'ok'"),
                ("slots_were_applied", "By SQL.", "kind = 'apply' AND result = 'ok'"),
                ("begun_days_were_closed", "Today.", "kind = 'close_begun' AND result = 'ok'"),
                ("time_was_booked", "Somebody got it.", f"{BY_TIME} AND result = 'ok'"),
                ("time_was_refused", "And not.", f"{BY_TIME} AND code = 'BOOKING_CONFLICT'"),
                ("time_was_closed", "It was not there.", f"{BY_TIME} AND code = 'SLOT_NOT_FOUND'"),
            )
        ),
        # Some ten of a thousand attempts get it; in a short run none may.
        all_happened(
            "time_was_claimed_again",
            "Of 2,000 attempts or more, who had cancelled got the time again.",
            {"nobody got again what they had cancelled": (CLAIMED_AGAIN, 2_000)},
        ),
    ),
)
