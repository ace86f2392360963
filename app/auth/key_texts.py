"""The texts of keys: random, of one form only, and known to the database by their SHA-256 alone."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass

from sqlalchemy import ColumnElement, false
from sqlalchemy.orm import InstrumentedAttribute

# So many characters of a key stay readable, to tell keys apart in a list.
SHOWN_CHARACTERS = 11
# A key's last use is written down at most this often: a busy key must not write at every request.
LAST_USED_STEP = "10 minutes"
_SECRET_BYTES = 32
# 32 bytes as base64url: the last character stands for four bits, so only these 16 can be it.
_SECRET = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")


@dataclass(frozen=True, slots=True)
class KeyText:
    """A new key's text, which nobody keeps, and what is kept of it."""

    text: str
    digest: bytes
    shown: str


def new_key_text(prefix: str) -> KeyText:
    """A text that nobody can guess."""
    text = prefix + secrets.token_urlsafe(_SECRET_BYTES)
    return KeyText(text, _sha256(text), text[:SHOWN_CHARACTERS])


def digest_of(prefix: str, text: str) -> bytes | None:
    """What the database knows the key by; None if the text does not have a key's one form.

    Keys are looked up by this digest and never compared themselves: how long a search takes can
    tell something of the digest at most, from which no key can be found.
    """
    if not text.startswith(prefix) or not _SECRET.fullmatch(text, len(prefix)):
        return None
    return _sha256(text)


def names_key(
    prefix: str,
    text: str,
    digest: InstrumentedAttribute[bytes],
    shown: InstrumentedAttribute[str],
) -> ColumnElement[bool]:
    """Which rows a key's text means, or its first characters, as many as are given."""
    found = digest_of(prefix, text)
    if found is not None:
        return digest == found
    return shown.startswith(text, autoescape=True) if text.startswith(prefix) else false()


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
