"""Rounds of several loads, interleaved: what slows the machine for a while slows all alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from app.devdb import EmbeddedPostgres
from bench.loads import WARM_UP_SECONDS, Load
from bench.measure import Round, with_cpu
from bench.stage import checkpoint

Families = Callable[[Load], dict[str, int]]


def interleave(
    postgres: EmbeddedPostgres,
    todo: Sequence[Load],
    families: Families,
    rounds: int,
    seconds: float,
) -> list[list[Round]]:
    """A warm-up, then A B C …, A B C …, each after a checkpoint.

    `families` names the processes whose processor time is noted with a load.
    """
    for load in todo:
        load.run(WARM_UP_SECONDS)
    done = []
    for number in range(rounds):
        measured = []
        for load in todo:
            checkpoint(postgres)
            one = with_cpu(families(load), partial(load.run, seconds))
            measured.append(one)
            print(f"{number + 1}  {load.title:60} {one.per_second:9,.0f}/s", flush=True)
        done.append(measured)
    return done
