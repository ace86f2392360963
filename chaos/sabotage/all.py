"""Every sabotage by its name."""

from __future__ import annotations

from chaos.sabotage import Sabotage
from chaos.sabotage.answers import SABOTAGES as ANSWERS
from chaos.sabotage.calendars import SABOTAGES as CALENDARS
from chaos.sabotage.erasures import SABOTAGES as ERASURES
from chaos.sabotage.laws import SABOTAGES as LAWS
from chaos.sabotage.parts import SABOTAGES as PARTS
from chaos.sabotage.promises import SABOTAGES as PROMISES
from chaos.sabotage.services import SABOTAGES as SERVICES

SABOTAGES: dict[str, Sabotage] = {
    sabotage.name: sabotage
    for sabotage in [*LAWS, *PROMISES, *ANSWERS, *PARTS, *SERVICES, *CALENDARS, *ERASURES]
}
