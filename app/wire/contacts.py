"""Names, e-mail addresses and telephone numbers as people write them, without what only deceives.

The database compares them in plain form, too (legible, folded, phone_digits): what gets past the
door in another spelling is still the same person.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate

from app.wire.fields import PHONE, Text

NAME_MAX, EMAIL_MAX, PHONE_MAX = 200, 254, 40
# What is seen by nobody though Unicode calls it a letter, a mark or a sign: fillers and selectors.
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0]")
_JOINERS = "\u200c\u200d"
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"), "-")
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_ADDRESS = re.compile(
    r"[-!#$%&'*+/=?^`{|}~\w]+(?:\.[-!#$%&'*+/=?^`{|}~\w]+)*"
    rf"@(?:localhost|(?:{_LABEL}\.)+(?!\d+$){_LABEL})"
)


class PersonName(Text):
    """A name, without what cannot be seen but for the joiners that some scripts need."""

    def __init__(self, longest: int = NAME_MAX, **kwargs: Any) -> None:
        self._longest = longest
        super().__init__(longest, **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text.isascii() or len(text) > self._longest:
            return text
        text = "".join(one for one in text if one in _JOINERS or not _is_unseen(one)).strip()
        # A name of joiners alone is none: Length refuses what is empty.
        return text if text.strip(_JOINERS + " ") else ""


class EmailAddress(fields.Email):
    """An address that mail can reach: no blanks, nothing invisible, no look-alike of plain letters.

    Composed (NFC), and with a domain as it is read: xn--… is turned into its letters.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("validate", validate.Length(max=EMAIL_MAX))
        super().__init__(**kwargs)
        # Looked at as it was written, and stricter: Email's own check takes "a b"@example.org.
        self.validators = [one for one in self.validators if not isinstance(one, validate.Email)]

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if len(text) > EMAIL_MAX:
            return text
        text = unicodedata.normalize("NFC", text)
        for one in text:
            if not "!" <= one <= "~":
                _require_in_address(one)
        if _ADDRESS.fullmatch(text) is None:
            raise self.make_error("invalid")
        local, _, domain = text.rpartition("@")
        read = ".".join(map(_as_read, domain.split(".")))
        return f"{local}@{read}" if _ADDRESS.fullmatch(f"{local}@{read}") else text


class PhoneNumber(Text):
    """A telephone number in plain digits, whatever script they came in, with nothing invisible."""

    def __init__(self, longest: int = PHONE_MAX, **kwargs: Any) -> None:
        self._longest = longest
        kwargs.setdefault("validate", [validate.Length(max=longest), PHONE])
        super().__init__(longest, **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text.isascii() or len(text) > self._longest:
            return text
        text = unicodedata.normalize("NFKC", text).translate(_DASHES)
        return "".join(_as_digit(one) for one in text if not _is_unseen(one)).strip()


def _is_unseen(one: str) -> bool:
    return unicodedata.category(one) in {"Cf", "Zl", "Zp"} or _UNSEEN.match(one) is not None


def _require_in_address(one: str) -> None:
    """Raises ValidationError for what no address holds, by its number: it may be invisible."""
    if (
        _is_unseen(one)
        or unicodedata.category(one)[0] in "CZ"
        or unicodedata.normalize("NFKC", one) != one
    ):
        raise ValidationError(f"Holds a character that no e-mail address has: U+{ord(one):04X}.")


def _as_read(label: str) -> str:
    """A label of a domain in letters, or as it stands when it is no such form of any."""
    if not label.lower().startswith("xn--"):
        return label
    try:
        letters = unicodedata.normalize("NFC", label[4:].lower().encode("ascii").decode("punycode"))
        for one in letters:
            _require_in_address(one)
    except (UnicodeError, ValidationError):
        return label
    return letters


def _as_digit(one: str) -> str:
    return str(unicodedata.decimal(one, one))
