"""Who is calling: anyone, a vendor by its API key, or a customer by a booking's manage_token."""

from __future__ import annotations

from app.auth.visits import (
    Caller,
    VendorBlueprint,
    Visit,
    booking_credentials,
    current_visit,
    vendor_key,
)

__all__ = [
    "Caller",
    "VendorBlueprint",
    "Visit",
    "booking_credentials",
    "current_visit",
    "vendor_key",
]
