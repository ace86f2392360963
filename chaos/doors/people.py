"""Calls about customers, and what a booking says of the person it is for.

Whoever books for somebody in particular says so in `asked`: `customer_id`, as the vendor, or
`customer`, the details. Every text that goes with it holds the request's own mark, so that a word
of it can be looked for wherever it may have been kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from chaos.doors import Call
from chaos.history import Asked

CROWD = {"name": "Chaos", "email": "chaos@example.org"}
DETAILS = ("name", "email", "phone")
SqlCall = tuple[str, str, dict[str, Any]]


def is_about_somebody(asked: Asked) -> bool:
    """Whether it is a booking for somebody in particular."""
    return bool(asked.keys() & {"customer_id", "customer"})


def words(asked: Asked) -> dict[str, Any]:
    """What is written with a booking: the mark that the run finds it by, and all that is personal
    of one for somebody in particular.
    """
    token = asked["token"]
    if not is_about_somebody(asked):
        return {"metadata": {"chaos": token}}
    said = {"notes": f"Allergic to {token}", "metadata": {"chaos": token, "diet": f"No {token}"}}
    if "customer_id" in asked:
        # The public may name none but the vendor's channels.
        said |= {"internal_notes": f"Owes {token}", "channel": f"By the butler of {token}"}
    return said


def told_of(booking: dict[str, Any]) -> dict[str, Any]:
    """Whose a booking is, and whether anything was told of them; of the crowd's, nothing."""
    customer = booking.get("customer")
    if not customer or customer["email"] == CROWD["email"]:
        return {}
    known = any(customer[name] for name in DETAILS)
    return {"customer_id": customer["id"], "known": known}


def in_the_way(facts: dict[str, Any]) -> dict[str, Any]:
    """The bookings to come for which somebody cannot be erased."""
    return {"bookings": [one["booking_id"] for one in facts.get("bookings", ())]}


def _register(asked: Asked) -> Call:
    body = {**asked["customer"], "note": f"Never pays for {asked['token']}"}
    return "POST", "/customers", body


OF_PEOPLE: dict[str, Callable[[Asked], Call]] = {
    "register": _register,
    "erase": lambda asked: ("DELETE", f"/customers/{asked['customer_id']}", None),
    "meet": lambda asked: ("GET", f"/customers/{asked['customer_id']}", None),
}
TOLD_OF_PEOPLE: dict[str, tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "register": ("REGISTERED", lambda body: {"customer_id": body["id"]}),
    "erase": ("ERASED", lambda _body: {}),
    "meet": ("MET", lambda _body: {}),
}


def changes(asked: Asked) -> dict[str, Any]:
    """What is to be changed of a booking: the guests, or what is written of somebody."""
    if "notes" in asked:
        return {"notes": asked["notes"], "metadata": {"more": asked["notes"]}}
    return {"guests": asked["guests"]}


def erase(asked: Asked) -> SqlCall:
    """erase_customer, by SQL."""
    customer = {"customer_id": asked["customer_id"]}
    return "erase_customer", ", p_customer_id => %(customer_id)s", customer


def details(asked: Asked) -> str:
    """p_details of a claim, by SQL."""
    customer = {"customer": asked["customer"]} if "customer" in asked else {}
    return json.dumps(words(asked) | customer)
