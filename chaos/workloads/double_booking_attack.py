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
    {HttpCustomer: 3, SqlCaller: 3, Canceller: 2, RawWriter: 1},
    (
        happened(
            "both_doors_won",
            "Somebody got a place over HTTP while others took them by SQL.",
            "kind = 'book' AND result = 'ok' AND door = 'http'",
        ),
    ),
)
