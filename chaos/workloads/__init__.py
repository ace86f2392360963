"""What is fought over, by whom, and what that run must prove: one file a workload."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chaos.attackers import Attacker
from chaos.checkers import Checker
from chaos.stage import StageBuilder


@dataclass(frozen=True, slots=True)
class Workload:
    """A generator and its checkers together.

    `prepare` publishes the slots, by role. `attackers`: who comes, and how many of them in
    proportion (0: just one). `checkers`: what this run must show beside the promises that every
    run is held to.
    """

    name: str
    promise: str
    prepare: Callable[[StageBuilder], None]
    attackers: dict[type[Attacker], int]
    checkers: tuple[Checker, ...] = ()
