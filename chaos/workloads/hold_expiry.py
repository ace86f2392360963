"""hold_expiry: places held for moments, confirmed at the moment when the hold lapses."""

from __future__ import annotations

from chaos.attackers.changers import Canceller, Confirmer, Squatter, Sweeper
from chaos.attackers.customers import HttpCustomer, SqlCaller
from chaos.checkers.contended import happened
from chaos.stage import StageBuilder
from chaos.workloads import Workload


def prepare(builder: StageBuilder) -> None:
    """Few places, so that every hold is in somebody's way."""
    builder.slots("hot", [6, 2, builder.dice.randint(3, 6)])


WORKLOAD = Workload(
    "hold_expiry",
    "A hold is good until it lapses, and then its places come back at once.",
    prepare,
    {Confirmer: 14, Squatter: 1, Canceller: 1, Sweeper: 1, HttpCustomer: 1, SqlCaller: 1},
    (
        happened(
            "holds_were_confirmed",
            "Somebody confirmed a hold in time.",
            "kind = 'confirm' AND result = 'ok'",
        ),
        happened("holds_lapsed", "Somebody came too late.", "code = 'HOLD_EXPIRED'"),
    ),
)
