"""Manage tokens: each opens one booking, can be computed again, and ends with its version."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass
from uuid import UUID

PREFIX = "mt_"
_PURPOSE = b"slotkeeper manage_token 1\0"
# Booking, token version, HMAC-SHA256.
_LAYOUT = struct.Struct(">16sI32s")


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a token with a right signature says; the booking knows if the version still counts."""

    booking_id: UUID
    version: int


def manage_token(secret: str, vendor_id: UUID, booking_id: UUID, version: int) -> str:
    """The token of one booking: the same each time for the same version."""
    signature = _sign(secret, vendor_id, booking_id, version)
    packed = _LAYOUT.pack(booking_id.bytes, version, signature)
    return PREFIX + base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def read_token(secret: str, vendor_id: UUID, token: str) -> Claimed | None:
    """What the token says, or None if this server did not sign it for this vendor."""
    try:
        packed = base64.b64decode(
            token.removeprefix(PREFIX).encode("ascii") + b"==", altchars=b"-_", validate=True
        )
        booking, version, _ = _LAYOUT.unpack(packed)
    except (binascii.Error, UnicodeEncodeError, struct.error):
        return None
    booking_id = UUID(bytes=booking)
    # The whole text and not just the signature in it: of a token's many spellings in base64 only
    # the one we give out is good.
    if not hmac.compare_digest(token, manage_token(secret, vendor_id, booking_id, version)):
        return None
    return Claimed(booking_id, version)


def _sign(secret: str, vendor_id: UUID, booking_id: UUID, version: int) -> bytes:
    message = _PURPOSE + vendor_id.bytes + booking_id.bytes + struct.pack(">I", version)
    return hmac.new(secret.encode(), message, hashlib.sha256).digest()
