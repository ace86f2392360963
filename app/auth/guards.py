"""Who may make a call. Whoever gets this far is known: bad credentials are refused before."""

from __future__ import annotations

from typing import Any

from flask import request

from app.auth.credentials import Caller
from app.auth.keys import SCOPES, Scope
from app.auth.visits import current_caller
from app.errors import Problem
from app.wire.blueprint import Guard

_NAMES = {"customer": "A manage_token", "operator": "An operator key"}


def _vendor_guard(scope: Scope, *, operator: bool = False) -> Guard:
    """Only an API key of the vendor passes, with this scope or a wider one; or the operator."""

    def check(_path: dict[str, Any]) -> None:
        caller = current_caller()
        if caller.kind == "public":
            raise Problem("UNAUTHENTICATED", "This call needs an API key of the vendor.")
        if operator and caller.kind == "operator":
            return
        if not caller.is_vendor:
            raise Problem(
                "FORBIDDEN", f"{_NAMES[caller.kind]} does not allow this; it needs an API key."
            )
        _require_scope(caller, scope)

    schemes = ("api_key", "operator_key") if operator else ("api_key",)
    needs = f"Needs an API key with {_or_wider(scope)}"
    return Guard(check, schemes, f"{needs}, or an operator key." if operator else f"{needs}.")


def _require_operator(_path: dict[str, Any]) -> None:
    caller = current_caller()
    hint = "Operator keys begin with op_; whoever runs this server makes them."
    if caller.kind == "public":
        raise Problem("UNAUTHENTICATED", "This call needs an operator key.", hint=hint)
    if caller.kind != "operator":
        raise Problem("FORBIDDEN", "This call needs an operator key, not a vendor's.", hint=hint)


def _require_writer_or_nobody(_path: dict[str, Any]) -> None:
    caller = current_caller()
    if caller.is_vendor:
        _require_scope(caller, "write")
    elif caller.kind != "public":
        raise Problem(
            "FORBIDDEN",
            f"{_NAMES[caller.kind]} does not allow making a booking.",
            hint="To book as a customer, leave the Authorization header out.",
        )


def _require_booking_credentials(path: dict[str, Any]) -> None:
    caller = current_caller()
    if caller.kind == "public":
        raise Problem(
            "UNAUTHENTICATED", "This call needs the booking's manage_token or an API key."
        )
    if caller.kind == "operator":
        raise Problem("FORBIDDEN", "An operator key does not open bookings.")
    if caller.kind == "customer" and caller.booking_id != path["booking_id"]:
        raise Problem("FORBIDDEN", "This manage_token belongs to another booking.")
    if caller.is_vendor:
        _require_scope(caller, "read" if request.method in {"GET", "HEAD"} else "write")


def _require_scope(caller: Caller, needed: Scope) -> None:
    if caller.scope is None or SCOPES.index(caller.scope) < SCOPES.index(needed):
        raise Problem(
            "FORBIDDEN",
            f"This API key has the scope {caller.scope}, and this call needs {needed}.",
            hint=f"Use an API key of this vendor with {_or_wider(needed)}.",
        )


def _or_wider(scope: Scope) -> str:
    *others, widest = SCOPES[SCOPES.index(scope) :]
    return f"the scope {' or '.join([', '.join(others), widest]) if others else widest}"


vendor_read = _vendor_guard("read")
vendor_write = _vendor_guard("write")
vendor_admin = _vendor_guard("admin")
vendor_admin_or_operator = _vendor_guard("admin", operator=True)
operator_key = Guard(_require_operator, ("operator_key",), "Needs an operator key.")
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
