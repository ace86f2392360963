"""Who is calling: anyone, a vendor by its API key, or a customer by a booking's manage_token."""

from __future__ import annotations

from app.auth.guards import (
    booking_credentials,
    public_or_vendor_write,
    vendor_admin,
    vendor_read,
    vendor_write,
)
from app.auth.visits import Caller, VendorBlueprint, Visit, current_visit

__all__ = [
    "Caller",
    "VendorBlueprint",
    "Visit",
    "booking_credentials",
    "current_visit",
    "public_or_vendor_write",
    "vendor_admin",
    "vendor_read",
    "vendor_write",
]
