"""The Idempotency-Key of a POST: the same key with the same request does a thing once."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import g, request
from sqlalchemy.orm import Session

from app import db
from app.errors import InvalidRequest
from app.errors.refusals import refusal

# Printable ASCII but blanks, double quotes and backslashes: bare and quoted are then the same. And
# no commas: a header sent twice arrives as one, with a comma between.
_KEY = re.compile(r"[!#-+\--\[\]-~]{16,255}")

# Keys of the operator's calls are kept as if by a vendor with the nil UUID, which none has.
OPERATOR = UUID(int=0)


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A key and the SHA-256 of the request it stands for; both None when the caller sent none."""

    key: str | None
    fingerprint: bytes | None


def idempotency_key(caller: str) -> IdempotencyKey:
    """The key of the request at hand, made by `caller`. Raises InvalidRequest if malformed."""
    header = request.headers.get("Idempotency-Key")
    if header is None:
        return IdempotencyKey(None, None)
    text = header.strip()
    if len(text) > 1 and text.startswith('"') and text.endswith('"'):
        text = text[1:-1]
    if not _KEY.fullmatch(text):
        raise InvalidRequest(
            {
                "Idempotency-Key": "Needs 16 to 255 printable ASCII characters without blanks and"
                " commas, bare or in double quotes."
            }
        )
    body = g.get("json_body")
    return IdempotencyKey(text, fingerprint(request.method, request.path, body, caller))


def fingerprint(method: str, path: str, body: Any, caller: str) -> bytes:
    """SHA-256 over what makes requests the same; the order of names in a body does not count."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{method}\n{path}\n{caller}\n{canonical}".encode()).digest()


def remember(
    session: Session, vendor_id: UUID, key: IdempotencyKey, made: dict[str, Any]
) -> dict[str, Any] | None:
    """Keep the key with what is about to be made, in the transaction and before any other lock.

    None when the request is new; what it made before when it is a repetition, which must then be
    answered without doing anything. Raises IDEMPOTENCY_CONFLICT.
    """
    if key.key is None:
        return None
    row = db.call(
        "remember_idempotency_key",
        within=session,
        p_vendor_id=vendor_id,
        p_key=key.key,
        p_fingerprint=key.fingerprint,
        p_made=made,
    )
    if row.outcome == "IDEMPOTENCY_CONFLICT":
        raise refusal(row.outcome, {})
    before: dict[str, Any] | None = row.made if row.outcome == "REPLAY" else None
    return before
