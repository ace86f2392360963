"""capacity: ten customers for five places, of one to three each."""

from __future__ import annotations

from chaos.attackers.changers import Canceller, Reader
from chaos.attackers.customers import HttpCustomer, SqlCaller
from chaos.attackers.writers import RawWriter, Trespasser
from chaos.checkers.contended import happened
from chaos.stage import StageBuilder
from chaos.workloads import Workload


def prepare(builder: StageBuilder) -> None:
    """Slots of five places, and a large one."""
    builder.slots("seats", [5, 5, builder.dice.randint(8, 40)])


WORKLOAD = Workload(
    "capacity",
    "Of N places N are given, whatever the quantities asked for, and never one more.",
    prepare,
    {HttpCustomer: 4, SqlCaller: 4, Canceller: 3, Reader: 2, RawWriter: 1, Trespasser: 1},
    (
        happened(
            "some_places_were_left",
            "Somebody asked for more places than were left.",
            "code = 'INSUFFICIENT_INVENTORY'",
        ),
    ),
)
