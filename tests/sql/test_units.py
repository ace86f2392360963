"""Counting and choosing units."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.shop import Shop

examples = settings(derandomize=True, deadline=None, max_examples=150)
units = st.frozensets(st.integers(1, 40), max_size=25)


@pytest.fixture(scope="module")
def the_shop(module_app, module_owner):
    """One vendor for all examples; each takes a provider of its own."""
    return Shop(module_app, module_owner)


def multirange(numbers):
    return "{" + ",".join(f"[{n},{n + 1})" for n in sorted(numbers)) + "}"


def numbers_of(found):
    return [n for run in found or () for n in range(run.lower, run.upper)]


@examples
@given(units)
def test_units_are_counted_however_they_lie(the_shop, numbers):
    counted = the_shop.app.execute("SELECT units_count(%s)", [multirange(numbers)]).fetchone()[0]
    assert counted == len(numbers)


@examples
@given(units, st.integers(1, 30))
def test_the_lowest_units_are_taken_or_all_there_are(the_shop, numbers, quantity):
    row = the_shop.owner.execute("SELECT lowest_units(%s, %s)", [multirange(numbers), quantity])
    assert numbers_of(row.fetchone()[0]) == sorted(numbers)[:quantity]


def test_units_are_counted_up_to_the_largest_capacity(the_shop):
    row = the_shop.app.execute("SELECT units_count('{[1,100001)}'), units_count('{}')").fetchone()
    assert row == (100_000, 0)
