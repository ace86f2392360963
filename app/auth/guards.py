"""Who may make a call: guards for the calls under /vendors/{vendor}."""

from __future__ import annotations

from typing import Any

from flask import request

from app.auth.keys import SCOPES, Scope
from app.auth.visits import Caller, current_visit
from app.errors import Problem
from app.wire.blueprint import Guard


def _vendor_guard(scope: Scope) -> Guard:
    """Only an API key of the vendor passes, with this scope or a wider one."""

    def check(_path: dict[str, Any]) -> None:
        caller = current_visit().caller
        if caller.kind == "public":
            raise Problem("UNAUTHENTICATED", "This call needs an API key of the vendor.")
        if not caller.is_vendor:
            raise Problem("FORBIDDEN", "A manage_token does not allow this; it needs an API key.")
        _require_scope(caller, scope)

    return Guard(check, ("api_key",), f"Needs an API key with the scope {_or_wider(scope)}.")


def _require_writer_or_nobody(_path: dict[str, Any]) -> None:
    caller = current_visit().caller
    if caller.kind == "customer":
        raise Problem(
            "FORBIDDEN",
            "A manage_token opens the booking it was given for and makes no other.",
            hint="To book as a customer, leave the Authorization header out.",
        )
    if caller.is_vendor:
        _require_scope(caller, "write")


def _require_booking_credentials(path: dict[str, Any]) -> None:
    caller = current_visit().caller
    if caller.kind == "public":
        raise Problem(
            "UNAUTHENTICATED", "This call needs the booking's manage_token or an API key."
        )
    if caller.kind == "customer" and caller.booking_id != path["booking_id"]:
        raise Problem("FORBIDDEN", "This manage_token belongs to another booking.")
    if caller.is_vendor:
        _require_scope(caller, "read" if request.method in {"GET", "HEAD"} else "write")


def _require_scope(caller: Caller, needed: Scope) -> None:
    if caller.scope is None or SCOPES.index(caller.scope) < SCOPES.index(needed):
        raise Problem(
            "FORBIDDEN",
            f"This API key has the scope {caller.scope}, and this call needs {needed}.",
            hint=f"Use an API key of this vendor with the scope {_or_wider(needed)}.",
        )


def _or_wider(scope: Scope) -> str:
    return " or ".join(SCOPES[SCOPES.index(scope) :])


vendor_read = _vendor_guard("read")
vendor_write = _vendor_guard("write")
vendor_admin = _vendor_guard("admin")
# Anybody without credentials; with an API key it must be one that may write.
public_or_vendor_write = Guard(
    _require_writer_or_nobody,
    ("api_key",),
    "Open to everybody without credentials, or with an API key with the scope write or admin.",
    public=True,
)
# The booking's own manage_token, or an API key of the vendor.
booking_credentials = Guard(
    _require_booking_credentials,
    ("api_key", "manage_token"),
    "Needs the booking's manage_token, or an API key: with any scope to look, with the scope write"
    " or admin to change.",
)
