"""services: customers who ask for a service and leave open who does it, therapist and room at once.

Every provider is open all day: whoever is refused, is refused because of others.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from chaos.attackers.changers import Canceller
from chaos.attackers.services import (
    Manager,
    ServiceCanceller,
    ServiceCustomer,
    TimesReader,
    WalkIn,
)
from chaos.attackers.tidier import Tidier
from chaos.checkers.contended import happened
from chaos.checkers.parts import NEVER_ABORTED
from chaos.checkers.services import BY_SERVICE, SERVICES
from chaos.stage import SERVICE, StageBuilder
from chaos.workloads import Workload

DAY, OPENS, HOURS = timedelta(days=1), timedelta(hours=9), timedelta(hours=8)
BOOKED = f"{BY_SERVICE} AND result = 'ok'"


def prepare(builder: StageBuilder) -> None:
    """Stylists, therapists with rooms, and teachers of classes, all from nine to five."""
    stylists = {
        _provider(builder, "stylist 1", [1, 1], HOURS / 2): 1,
        _provider(builder, "stylist 2", [1], HOURS): 2,
        _provider(builder, "stylist 3", [1], HOURS): 2,
    }
    therapists = {_provider(builder, f"therapist {n}", [1], HOURS): n for n in (1, 2)}
    rooms = {_provider(builder, f"room {n}", [n], HOURS): 1 for n in (1, 2)}
    teachers = {
        _provider(builder, "teacher 1", [builder.dice.randint(3, 5)], HOURS): 1,
        _provider(builder, "teacher 2", [2, 4], HOURS / 2): 1,
    }
    builder.service("cut", [stylists], duration=45, after=15, step=15)
    builder.service("colour", [stylists], duration=90, before=15, after=15, step=30)
    builder.service("massage", [therapists, rooms], duration=60, after=15, step=30)
    builder.service("class", [teachers], duration=60, before=10, step=20, quantity_max=3)


def _provider(builder: StageBuilder, name: str, capacities: list[int], length: timedelta) -> str:
    slots = builder.slots(f"{SERVICE}{name}", capacities, length=length, opens=OPENS)
    return slots[0].provider_id


WORKLOAD = Workload(
    "services",
    "Whoever asks for a service gets it from whoever is free, with all whom it takes.",
    prepare,
    # Nobody by hand: whoever tries one provider after another must not deadlock anybody.
    {
        ServiceCustomer: 8,
        ServiceCanceller: 4,
        TimesReader: 2,
        WalkIn: 1,
        Canceller: 1,
        Manager: 0,
        Tidier: 0,
    },
    (
        *SERVICES,
        replace(NEVER_ABORTED, examined=f"SELECT count(*) FROM operations WHERE {BY_SERVICE}"),
        happened("services_were_booked_over_http", "One door.", f"{BOOKED} AND door = 'http'"),
        happened("services_were_booked_by_sql", "The other.", f"{BOOKED} AND door = 'sql'"),
        happened(
            "services_were_refused",
            "Somebody found nobody free.",
            f"{BY_SERVICE} AND code = 'BOOKING_CONFLICT'",
        ),
        happened(
            "several_providers_were_booked",
            "Somebody got therapist and room.",
            f"{BOOKED} AND json_array_length(answer, '$.slots') > 1",
        ),
        happened("times_were_shown", "Somebody searched.", "kind = 'search' AND result = 'ok'"),
        happened("offers_were_changed", "Who does it changed.", "code = 'OFFERED'"),
    ),
)
