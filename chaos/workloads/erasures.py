"""erasures: customers who are erased while others book for them, and asked for afterwards."""

from __future__ import annotations

from chaos.attackers.people import HOT, VISITS, Eraser, Regular
from chaos.attackers.tidier import Tidier
from chaos.checkers.contended import happened
from chaos.checkers.erased import ERASED
from chaos.stage import StageBuilder
from chaos.workloads import Workload

ERASED_NOW = "kind = 'erase' AND result = 'ok'"


def prepare(builder: StageBuilder) -> None:
    """Few places, and many of which some are never given back."""
    builder.slots(HOT, [2, builder.dice.randint(2, 3), 4])
    builder.slots(VISITS, [200])


WORKLOAD = Workload(
    "erasures",
    "Of whoever is erased no word is left, nobody is booked for them, and what was booked stays.",
    prepare,
    {Eraser: 4, Regular: 5, Tidier: 0},
    (
        ERASED,
        *(
            happened(name, promise, condition)
            for name, promise, condition in (
                ("people_were_erased_over_http", "A door.", f"{ERASED_NOW} AND door = 'http'"),
                ("people_were_erased_by_sql", "The other.", f"{ERASED_NOW} AND door = 'sql'"),
                ("people_were_in_use", "Not yet.", "code = 'CUSTOMER_IN_USE'"),
                ("people_were_missed", "Never again.", "code = 'CUSTOMER_NOT_FOUND'"),
                ("words_were_written", "Notes.", "kind = 'change' AND result = 'ok'"),
            )
        ),
    ),
)
