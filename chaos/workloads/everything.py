"""everything: all who attack, after all there is to fight over, at once."""

from __future__ import annotations

from datetime import timedelta

from chaos.attackers import Attacker
from chaos.attackers.changers import Canceller, Confirmer, Marker, Reader, Squatter, Sweeper
from chaos.attackers.customers import HttpCustomer, ImpatientCustomer, Liar, SqlCaller, Twins
from chaos.attackers.parts import JointTaker, PartBlocker, PartReader, PartTaker
from chaos.attackers.tidier import Tidier
from chaos.attackers.vendors import Vendor
from chaos.attackers.writers import RawWriter, RoleTrespasser, Trespasser
from chaos.stage import StageBuilder
from chaos.workloads import Workload, parts

ATTACKERS: dict[type[Attacker], int] = {
    HttpCustomer: 4,
    ImpatientCustomer: 1,
    SqlCaller: 3,
    Twins: 1,
    Liar: 1,
    Canceller: 4,
    Squatter: 1,
    Confirmer: 1,
    Marker: 1,
    Sweeper: 1,
    Tidier: 1,
    Reader: 2,
    Vendor: 1,
    PartTaker: 1,
    JointTaker: 1,
    PartReader: 1,
    PartBlocker: 1,
    RawWriter: 2,
    Trespasser: 1,
    RoleTrespasser: 1,
}


def prepare(builder: StageBuilder) -> None:
    """One place, some places, many places, nights, slots under fire, and long days by the hour."""
    dice = builder.dice
    builder.slots("hot", [1, dice.randint(3, 8)])
    builder.slots("seats", [5, dice.randint(8, 40)])
    builder.slots("nights", [dice.randint(1, 3)] * 14, length=timedelta(days=1))
    builder.slots("fire", [dice.randint(1, 4) for _ in range(4)])
    parts.prepare(builder)


WORKLOAD = Workload("everything", "All promises at once.", prepare, ATTACKERS)
