"""Who has which units until when, compared with a list of every unit."""

from __future__ import annotations

import random
import time

import pytest

from chaos.checkers.territory import Territory


def one_by_one(claims):
    """Which claims meet which, unit by unit."""
    until, met = {}, set()
    for (first, end), begins, ends, who in claims:
        for unit in range(first, end):
            last, other = until.get(unit, (begins, who))
            if last > begins:
                met.add((other, who))
            if last <= ends:
                until[unit] = (ends, who)
    return met


@pytest.mark.parametrize("seed", range(30))
def test_whoever_meets_somebody_unit_by_unit_meets_them_in_runs(seed):
    dice = random.Random(seed)
    claims = []
    for number in range(60):
        first, begins = dice.randint(1, 12), dice.randint(0, 20)
        run = (first, first + dice.randint(0, 4))
        claims.append((run, begins, begins + dice.randint(1, 4), str(number)))
    claims.sort(key=lambda claim: claim[1])
    taken = Territory()
    met = {
        (other, who)
        for run, begins, ends, who in claims
        for _, other in taken.take(run, begins, ends, who)
    }
    assert met == one_by_one(claims)
    assert met


def test_a_claim_of_all_units_there_are_costs_no_more_than_another():
    taken, began = Territory(), time.process_time()
    all_of_them = (1, 2_147_483_647)
    assert list(taken.take(all_of_them, 1, 3, "damaged")) == []
    assert list(taken.take((5, 6), 2, 4, "honest")) == [(5, "damaged")]
    assert list(taken.take(all_of_them, 3, 5, "again")) == [(5, "honest")]
    assert time.process_time() - began < 1
