"""nights: stays of one to five nights, all or nothing, across each other."""

from __future__ import annotations

from datetime import timedelta

from chaos.attackers.changers import Canceller, Reader
from chaos.attackers.customers import HttpCustomer, SqlCaller
from chaos.attackers.writers import RawWriter, Trespasser
from chaos.checkers.contended import happened
from chaos.stage import StageBuilder
from chaos.workloads import Workload


def prepare(builder: StageBuilder) -> None:
    """Two weeks of nights with few rooms."""
    rooms = builder.dice.choice((1, 2, 3))
    builder.slots("nights", [rooms] * 14, length=timedelta(days=1))


WORKLOAD = Workload(
    "nights",
    "A stay has all of its nights or none.",
    prepare,
    {HttpCustomer: 3, SqlCaller: 3, Canceller: 3, Reader: 1, RawWriter: 2, Trespasser: 1},
    (
        happened(
            "long_stays_were_booked",
            "Somebody got a stay of several nights.",
            "kind = 'book' AND result = 'ok' AND json_array_length(asked, '$.slots') > 1",
        ),
    ),
)
