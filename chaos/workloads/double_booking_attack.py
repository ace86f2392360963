"""double_booking_attack: one place and a crowd after it, half over the API, half by SQL."""

from __future__ import annotations

from chaos.attackers.changers import Canceller
from chaos.attackers.customers import HttpCustomer, SqlCaller
from chaos.attackers.writers import RawWriter
from chaos.checkers.contended import happened
from chaos.stage import StageBuilder
from chaos.workloads import Workload

WIDE = range(3, 9)


def prepare(builder: StageBuilder) -> None:
    """The hot slot, and a wide one beside it."""
    builder.slots("hot", [1, builder.dice.choice(WIDE)])


WORKLOAD = Workload(
    "double_booking_attack",
    "One place is never had by two.",
    prepare,
    # One by hand: several who INSERT at one place deadlock each other for a second each time, and
    # those who hold the slot's lock wait for them until nobody gets anything any more.
    {HttpCustomer: 3, SqlCaller: 3, Canceller: 2, RawWriter: 0},
    (
        happened(
            "both_doors_won",
            "Somebody got a place over HTTP while others took them by SQL.",
            "kind = 'book' AND result = 'ok' AND door = 'http'",
        ),
    ),
)
