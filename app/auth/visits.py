"""Opens each call under /vendors/{vendor}: which vendor, and who is calling."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from flask import current_app, g, request

from app import db
from app.auth.keys import PREFIX as KEY_PREFIX
from app.auth.keys import Scope, find_key
from app.auth.tokens import PREFIX as TOKEN_PREFIX
from app.auth.tokens import manage_token, read_token
from app.errors import Problem
from app.wire.blueprint import Blueprint

SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
VENDOR_CACHE_SECONDS = 5.0
VENDOR_CACHE_SIZE_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Caller:
    """`id`: of the API key, or of the customer if known. `booking_id`: all that a token opens.

    `scope`: what an API key may do.
    """

    kind: Literal["public", "vendor", "customer"]
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


@dataclass(frozen=True, slots=True)
class Visit:
    """One call: at which vendor, by whom."""

    vendor_id: UUID
    vendor: str
    caller: Caller
    request_id: str

    @property
    def actor(self) -> dict[str, Any]:
        """Who acts, as SQL functions take it and events keep it."""
        kind = "vendor" if self.caller.is_vendor else "customer"
        known = str(self.caller.id) if self.caller.id else None
        return {"type": kind, "id": known, "request_id": self.request_id}

    def manage_token(self, booking_id: UUID, version: int) -> str:
        """The token that opens this booking."""
        return manage_token(current_app.config["SECRET_KEY"], self.vendor_id, booking_id, version)


class VendorBlueprint(Blueprint):
    """Calls under /api/v1/vendors/{vendor}. Bad credentials are refused on all of them."""

    def __init__(self, name: str, description: str) -> None:
        super().__init__(
            name, __name__, url_prefix="/api/v1/vendors/<vendor>", description=description
        )
        self.url_value_preprocessor(_take_vendor)
        self.before_request(_begin_visit)


def current_visit() -> Visit:
    """The visit of this call."""
    visit: Visit = g.visit
    return visit


def find_vendor(slug: str) -> UUID:
    """The id of the vendor, remembered for a few seconds. Raises VENDOR_NOT_FOUND."""
    known_ids: dict[str, tuple[UUID, float]]
    known_ids = current_app.extensions.setdefault("slotkeeper-vendor-ids", {})
    now = time.monotonic()
    known = known_ids.get(slug)
    if known is not None and known[1] > now:
        return known[0]
    rows = SLUG.fullmatch(slug) and db.read(
        "SELECT id FROM vendors WHERE slug = %s AND archived_at IS NULL", slug
    )
    if not rows:
        raise Problem("VENDOR_NOT_FOUND", "There is no vendor of this name.")
    if len(known_ids) >= VENDOR_CACHE_SIZE_MAX:
        known_ids.clear()
    vendor_id: UUID = rows[0].id
    known_ids[slug] = (vendor_id, now + VENDOR_CACHE_SECONDS)
    return vendor_id


def _take_vendor(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    """The vendor is the visit's business; handlers are given the rest of the address."""
    g.vendor_slug = (values or {}).pop("vendor", "")


def _begin_visit() -> None:
    slug: str = g.vendor_slug
    vendor_id = find_vendor(slug)
    header = request.headers.get("Authorization")
    caller = Caller("public") if header is None else _caller(header, vendor_id)
    g.visit = Visit(vendor_id, slug, caller, g.request_id)


def _caller(header: str, vendor_id: UUID) -> Caller:
    scheme, _, credentials = header.strip().partition(" ")
    credentials = credentials.strip()
    if scheme.lower() == "bearer" and credentials.startswith(KEY_PREFIX):
        return _vendor_caller(credentials, vendor_id)
    if scheme.lower() == "bearer" and credentials.startswith(TOKEN_PREFIX):
        return _customer_caller(credentials, vendor_id)
    raise Problem("UNAUTHENTICATED", "The Authorization header holds no API key or manage_token.")


def _vendor_caller(credentials: str, vendor_id: UUID) -> Caller:
    key = find_key(credentials)
    if key is None:
        raise Problem("UNAUTHENTICATED", "This API key is not known, or has been revoked.")
    if key.vendor_id != vendor_id:
        raise Problem("FORBIDDEN", "This API key belongs to another vendor.")
    return Caller("vendor", key.id, scope=key.scope)


def _customer_caller(credentials: str, vendor_id: UUID) -> Caller:
    claimed = read_token(current_app.config["SECRET_KEY"], vendor_id, credentials)
    rows = claimed and db.read(
        "SELECT token_version, customer_id FROM bookings WHERE vendor_id = %s AND id = %s",
        vendor_id,
        claimed.booking_id,
    )
    if not claimed or not rows or rows[0].token_version != claimed.version:
        raise Problem("UNAUTHENTICATED", "This manage_token is not valid, or no longer.")
    return Caller("customer", rows[0].customer_id, claimed.booking_id)
