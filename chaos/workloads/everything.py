"""everything: all who attack, after all there is to fight over, at once."""

from __future__ import annotations

from datetime import timedelta

from chaos.attackers import Attacker
from chaos.attackers.calendars import CalendarKeeper, OpeningsReader, TimeCustomer
from chaos.attackers.changers import Canceller, Confirmer, Marker, Reader, Squatter, Sweeper
from chaos.attackers.customers import HttpCustomer, ImpatientCustomer, Liar, SqlCaller, Twins
from chaos.attackers.loner import Loner
from chaos.attackers.parts import JointTaker, PartBlocker, PartReader, PartTaker
from chaos.attackers.people import Eraser, Regular
from chaos.attackers.services import Manager, ServiceCanceller, ServiceCustomer, TimesReader
from chaos.attackers.tidier import Tidier
from chaos.attackers.vendors import Vendor
from chaos.attackers.writers import RawWriter, RoleTrespasser, Trespasser
from chaos.checkers.calendars import CALENDARS
from chaos.checkers.erased import ERASED
from chaos.checkers.happened import EVERYTHING
from chaos.checkers.renewals import RENEWALS
from chaos.checkers.services import SERVICES
from chaos.stage import StageBuilder
from chaos.workloads import Workload, calendars, erasures, parts, services

# Of 30 users each kind is one, of 32 as many give back and ask as it takes; whoever gives a kind a
# greater weight leaves others out.
ATTACKERS: dict[type[Attacker], int] = {
    HttpCustomer: 3,
    ImpatientCustomer: 1,
    SqlCaller: 3,
    Twins: 1,
    Liar: 1,
    Canceller: 3,
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
    ServiceCustomer: 2,
    ServiceCanceller: 2,
    TimesReader: 1,
    Manager: 0,
    TimeCustomer: 1,
    OpeningsReader: 0,
    CalendarKeeper: 0,
    Loner: 0,
    Eraser: 0,
    Regular: 0,
    RawWriter: 2,
    Trespasser: 1,
    RoleTrespasser: 1,
}


def prepare(builder: StageBuilder) -> None:
    """Few places and many, nights, slots under fire, long days by the hour, services, calendars,
    people who are erased.
    """
    dice = builder.dice
    builder.slots("hot", [1, dice.randint(3, 8)])
    builder.slots("seats", [5, dice.randint(8, 40)])
    builder.slots("nights", [dice.randint(1, 3)] * 14, length=timedelta(days=1))
    builder.slots("fire", [dice.randint(1, 4) for _ in range(4)])
    parts.prepare(builder)
    services.prepare(builder)
    calendars.prepare(builder)
    erasures.prepare(builder)


WORKLOAD = Workload(
    "everything",
    "All promises at once.",
    prepare,
    ATTACKERS,
    (*SERVICES, *CALENDARS, RENEWALS, ERASED, EVERYTHING),
)
