"""idempotency: the same request again and again, at once and later, and liars with others' keys."""

from __future__ import annotations

from chaos.attackers.changers import Canceller
from chaos.attackers.customers import HttpCustomer, ImpatientCustomer, Liar, SqlCaller, Twins
from chaos.checkers.contended import happened
from chaos.stage import StageBuilder
from chaos.workloads import Workload


def prepare(builder: StageBuilder) -> None:
    """Room for some of them."""
    builder.slots("seats", [3, 6, builder.dice.randint(10, 30)])


WORKLOAD = Workload(
    "idempotency",
    "One request, one booking, however often it is sent.",
    prepare,
    {ImpatientCustomer: 3, Twins: 6, Liar: 2, HttpCustomer: 1, SqlCaller: 1, Canceller: 4},
    (
        happened("requests_were_replayed", "Somebody was told again what was done.", "replayed"),
        happened("liars_were_told", "A liar was refused.", "code = 'IDEMPOTENCY_CONFLICT'"),
        happened("answers_were_lost", "Somebody hung up before the answer.", "code = 'HUNG_UP'"),
    ),
)
