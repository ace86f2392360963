"""How many places are left, as a vendor lets the public see it: exactly, only few, or not at all.

The vendor's keys always see exact numbers. Numbers must not come out elsewhere either: what the
public may ask about at once is bounded too, since a yes or no to each number is the number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

Numbers: TypeAlias = Literal["exact", "few_left", "hidden"]

NUMBERS: tuple[Numbers, ...] = ("exact", "few_left", "hidden")
FEW = 5
# The largest number that is told; of larger ones only that they are no 0.
_TOLD_MAX: dict[Numbers, int] = {"few_left": FEW, "hidden": 0}
# How many places a list answers for, and a refusal names alternatives for: a party of friends.
_ASKED_MAX: dict[Numbers, int] = {"few_left": 10, "hidden": 1}


def may_ask(quantity: int, numbers: Numbers, most: int | None = None) -> bool:
    """Whether the public is told which times have `quantity` places at once.

    `most`: how many the service lets one customer book. Whoever says so wants it asked for.
    """
    return numbers == "exact" or quantity <= max(_ASKED_MAX[numbers], most or 0)


def told_max(numbers: Numbers) -> int | None:
    """The largest number that is told; None: any."""
    return None if numbers == "exact" else _TOLD_MAX[numbers]


def told(number: int, numbers: Numbers) -> int | None:
    """The number, or None where the public sees none."""
    if numbers == "exact":
        return number
    return number if numbers == "few_left" and number <= FEW else None


def told_stretches(free: Sequence[Mapping[str, Any]], numbers: Numbers) -> list[dict[str, Any]]:
    """Free stretches with the numbers that are told. Where none is, neighbours become one.

    Otherwise the cut between them would tell that somebody has booked up to it.
    """
    stretches: list[dict[str, Any]] = []
    for one in free:
        available = told(one["available"], numbers)
        last = stretches[-1] if stretches else None
        if (
            last is not None
            and available is None
            and last["available"] is None
            and last["end"] == one["start"]
        ):
            last["end"] = one["end"]
        else:
            stretches.append({**one, "available": available})
    return stretches


def told_facts(facts: Mapping[str, Any], numbers: Numbers) -> dict[str, Any]:
    """The facts of a refused booking, without the numbers that the public does not see."""
    shown = dict(facts)
    if numbers == "exact" or "requested" not in shown:
        return shown
    if shown["available"] > _TOLD_MAX[numbers]:
        shown["available"] = None
    if shown["reason"] == "capacity" and shown["requested"] > _TOLD_MAX[numbers]:
        # Otherwise asking for more and more would tell how many there ever were.
        shown["reason"] = "booked"
    asked = may_ask(shown["requested"], numbers)
    shown["alternatives"] = [
        {**one, "available": told(one["available"], numbers)}
        for one in shown.get("alternatives", [])
        if asked
    ]
    return shown
