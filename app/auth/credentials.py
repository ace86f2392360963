"""From the Authorization header to the caller; bad credentials are refused wherever they are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from flask import current_app, g, request

from app import db
from app.auth.keys import PREFIX as KEY_PREFIX
from app.auth.keys import KnownKey, Scope, find_key
from app.auth.operator_keys import PREFIX as OPERATOR_PREFIX
from app.auth.operator_keys import find_operator_key
from app.auth.tokens import PREFIX as TOKEN_PREFIX
from app.auth.tokens import read_token
from app.errors import Problem

# RFC 9110: the scheme in any case, blanks, and then what is nobody's but the bearer's.
_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([!-~]+) *")


@dataclass(frozen=True, slots=True)
class Caller:
    """`id`: of the key, or of the customer if known. `booking_id`: all that a token opens.

    `scope`: what an API key may do.
    """

    kind: Literal["public", "vendor", "customer", "operator"]
    id: UUID | None = None
    booking_id: UUID | None = None
    scope: Scope | None = None

    @property
    def is_vendor(self) -> bool:
        return self.kind == "vendor"

    @property
    def identity(self) -> str:
        """Who repeats a request. A vendor is the same with any of its keys: they can be changed."""
        return f"{self.kind}:{self.booking_id}" if self.booking_id else self.kind


def opens_something(header: str) -> bool | None:
    """Whether an Authorization header holds a valid key, a vendor's or the operator's.

    None if it holds no key. What is found is kept for this request. Raises DatabaseProblem.
    """
    match = _BEARER.fullmatch(header)
    credentials = match.group(1) if match else ""
    if credentials.startswith((KEY_PREFIX, OPERATOR_PREFIX)):
        return _known_key(credentials) is not None
    return None


def find_caller(vendor_id: UUID | None) -> Caller:
    """Who calls a vendor, or with None what belongs to no vendor.

    Raises UNAUTHENTICATED, and FORBIDDEN for another vendor's key.
    """
    header = request.headers.get("Authorization")
    if header is None:
        return Caller("public")
    match = _BEARER.fullmatch(header)
    credentials = match.group(1) if match else ""
    if credentials.startswith(KEY_PREFIX):
        return _vendor_caller(credentials, vendor_id)
    if credentials.startswith(TOKEN_PREFIX):
        return _customer_caller(credentials, vendor_id)
    if credentials.startswith(OPERATOR_PREFIX):
        return _operator_caller(credentials)
    raise Problem("UNAUTHENTICATED", "The Authorization header holds no API key or manage_token.")


def _vendor_caller(credentials: str, vendor_id: UUID | None) -> Caller:
    key = _known_key(credentials)
    if not isinstance(key, KnownKey):
        raise Problem("UNAUTHENTICATED", "This API key is not known, or has been revoked.")
    if vendor_id is not None and key.vendor_id != vendor_id:
        raise Problem("FORBIDDEN", "This API key belongs to another vendor.")
    return Caller("vendor", key.id, scope=key.scope)


def _customer_caller(credentials: str, vendor_id: UUID | None) -> Caller:
    if vendor_id is None:
        raise Problem("UNAUTHENTICATED", "A manage_token is known to its vendor's calls only.")
    claimed = read_token(current_app.config["SECRET_KEY"], vendor_id, credentials)
    rows = claimed and db.read(
        "SELECT token_version, customer_id FROM bookings WHERE vendor_id = %s AND id = %s",
        vendor_id,
        claimed.booking_id,
    )
    if not claimed or not rows or rows[0].token_version != claimed.version:
        raise Problem("UNAUTHENTICATED", "This manage_token is not valid, or no longer.")
    return Caller("customer", rows[0].customer_id, claimed.booking_id)


def _operator_caller(credentials: str) -> Caller:
    key_id = _known_key(credentials)
    if not isinstance(key_id, UUID):
        raise Problem("UNAUTHENTICATED", "This operator key is not known, or has been revoked.")
    return Caller("operator", key_id)


def _known_key(credentials: str) -> KnownKey | UUID | None:
    """A vendor's key, or the id of the operator's, looked up once a request."""
    if "known_key" not in g:
        find = find_key if credentials.startswith(KEY_PREFIX) else find_operator_key
        g.known_key = find(credentials)
    known: KnownKey | UUID | None = g.known_key
    return known
