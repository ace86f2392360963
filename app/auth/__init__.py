"""Who is calling: anyone, a vendor by its API key, a customer by a manage_token, the operator."""

from __future__ import annotations

from app.auth.credentials import Caller
from app.auth.guards import (
    booking_credentials,
    operator_key,
    public_or_vendor_write,
    vendor_admin,
    vendor_admin_or_operator,
    vendor_read,
    vendor_write,
)
from app.auth.visits import (
    OperatorBlueprint,
    VendorBlueprint,
    Visit,
    current_caller,
    current_visit,
    forget_vendor,
)

__all__ = [
    "Caller",
    "OperatorBlueprint",
    "VendorBlueprint",
    "Visit",
    "booking_credentials",
    "current_caller",
    "current_visit",
    "forget_vendor",
    "operator_key",
    "public_or_vendor_write",
    "vendor_admin",
    "vendor_admin_or_operator",
    "vendor_read",
    "vendor_write",
]
