"""vendor_under_fire: slots that are published, resized, blocked and deleted under the crowd."""

from __future__ import annotations

from chaos.attackers.changers import Canceller, Marker, Reader
from chaos.attackers.customers import HttpCustomer, SqlCaller
from chaos.attackers.tidier import Tidier
from chaos.attackers.vendors import Vendor
from chaos.checkers.contended import happened
from chaos.checkers.renewals import RENEWALS
from chaos.stage import StageBuilder
from chaos.workloads import Workload


def prepare(builder: StageBuilder) -> None:
    """A few slots that nobody can rely upon."""
    builder.slots("fire", [builder.dice.randint(1, 4) for _ in range(4)])


WORKLOAD = Workload(
    "vendor_under_fire",
    "Whatever a vendor changes, no booking is lost and none is in a place that is not there.",
    prepare,
    {
        Vendor: 4,
        HttpCustomer: 3,
        SqlCaller: 2,
        Canceller: 3,
        Reader: 2,
        Marker: 1,
        Tidier: 1,
    },
    (
        RENEWALS,
        happened("slots_were_resized", "A slot was resized.", "code = 'RESIZED'"),
        happened("slots_were_in_use", "A slot in use was left alone.", "code = 'SLOT_IN_USE'"),
        happened("times_were_blocked", "A time was blocked.", "kind = 'block' AND result = 'ok'"),
    ),
)
