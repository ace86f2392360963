"""Opens each call under /vendors: which vendor, if one is named, and who is calling."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import current_app, g

from app import db
from app.auth.credentials import Caller, find_caller
from app.auth.tokens import manage_token
from app.errors import InvalidRequest, Problem
from app.wire.blueprint import Blueprint
from app.wire.shown_numbers import Numbers

SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
VENDOR_CACHE_SECONDS = 5.0
# Through which the public books if it names none; channel_places says so, too.
PUBLIC_CHANNEL = "web"
VENDOR_CACHE_SIZE_MAX = 10_000


@dataclass(frozen=True, slots=True)
class VendorSettings:
    """What the door needs to know of a vendor; up to VENDOR_CACHE_SECONDS old.

    Whether the public may book is decided in the booking's own transaction, not by these.
    """

    availability_numbers: Numbers
    hold_minutes: int
    # The sales channels that are mapped to locations, by name.
    channels: frozenset[str]


@dataclass(frozen=True, slots=True)
class KnownVendor:
    """A vendor as the door remembers it until `until`, a moment of the monotonic clock."""

    id: UUID
    settings: VendorSettings
    until: float


@dataclass(frozen=True, slots=True)
class Visit:
    """One call: at which vendor, by whom."""

    vendor_id: UUID
    vendor: str
    settings: VendorSettings
    caller: Caller
    request_id: str

    @property
    def numbers(self) -> Numbers:
        """How many places are left, as this caller may see it: a vendor's key sees all."""
        return "exact" if self.caller.is_vendor else self.settings.availability_numbers

    def require_channel(self, channel: str | None) -> None:
        """The public names only channels that the vendor has. Raises InvalidRequest."""
        mapped = self.settings.channels
        if not self.caller.is_vendor and mapped and channel not in {None, PUBLIC_CHANNEL, *mapped}:
            raise InvalidRequest({"channel": "The vendor has no such sales channel."})

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


class OperatorBlueprint(Blueprint):
    """Calls under /api/v1 that belong to no vendor. Bad credentials are refused on all of them."""

    def __init__(self, name: str, description: str) -> None:
        super().__init__(name, __name__, url_prefix="/api/v1", description=description)
        self.before_request(_begin_call_without_vendor)


def current_caller() -> Caller:
    """Who is calling."""
    caller: Caller = g.caller
    return caller


def current_visit() -> Visit:
    """The visit of this call."""
    visit: Visit = g.visit
    return visit


def find_vendor(slug: str) -> UUID:
    """The id of the vendor, remembered for a few seconds. Raises VENDOR_NOT_FOUND."""
    return _known_vendor(slug).id


def forget_vendor(slug: str) -> None:
    """The vendor has changed: this worker looks again, the others within VENDOR_CACHE_SECONDS."""
    _known_vendors().pop(slug, None)


def _known_vendor(slug: str) -> KnownVendor:
    known_vendors = _known_vendors()
    now = time.monotonic()
    known = known_vendors.get(slug)
    if known is not None and known.until > now:
        return known
    rows = SLUG.fullmatch(slug) and db.read(
        "SELECT id, availability_numbers, hold_minutes, channels FROM vendors"
        " WHERE slug = %s AND archived_at IS NULL",
        slug,
    )
    if not rows:
        raise Problem("VENDOR_NOT_FOUND", "There is no vendor of this name.")
    if len(known_vendors) >= VENDOR_CACHE_SIZE_MAX:
        known_vendors.clear()
    settings = VendorSettings(
        rows[0].availability_numbers, rows[0].hold_minutes, frozenset(rows[0].channels)
    )
    known = KnownVendor(rows[0].id, settings, now + VENDOR_CACHE_SECONDS)
    known_vendors[slug] = known
    return known


def _known_vendors() -> dict[str, KnownVendor]:
    known: dict[str, KnownVendor] = current_app.extensions.setdefault("slotkeeper-vendors", {})
    return known


def _take_vendor(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    """The vendor is the visit's business; handlers are given the rest of the address."""
    named = (values or {}).pop("vendor", "")
    # Only what can be a vendor's name goes further, into logs above all: it may be anything.
    g.vendor_slug = named if SLUG.fullmatch(named) else ""


def _begin_visit() -> None:
    slug: str = g.vendor_slug
    vendor = _known_vendor(slug)
    g.caller = find_caller(vendor.id)
    g.visit = Visit(vendor.id, slug, vendor.settings, g.caller, g.request_id)


def _begin_call_without_vendor() -> None:
    g.caller = find_caller(None)
