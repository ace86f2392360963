"""The kinds of value a request may hold, strict about what they accept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from app.errors import InvalidRequest

_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d)(:\d\d(?:\.\d{1,6}\d*)?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
YEAR_MIN, YEAR_MAX = 1900, 2999
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
QUANTITY_MAX = 100_000
CHANNEL_MAX = 100
PRICE_AMOUNT_MAX = 10_000_000_000
_DIGITS = re.compile(r"-?[0-9]{1,18}")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROLS_BUT_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# What the database of time zones holds that is no place's time.
_NO_PLACE = frozenset({"Factory", "localtime", "posixrules"})


class Pattern(validate.Regexp):
    """The whole text must match; written with ^ and $, as readers of OpenAPI need it."""

    def __call__(self, value: Any) -> Any:
        if self.regex.fullmatch(value) is None:
            raise ValidationError(self._format_error(value))
        return value


PHONE = Pattern(
    r"^(?=(?:[^0-9]*[0-9]){3})[0-9+*#()./ \-]{3,40}(?: ?(?:x|ext\.?) ?[0-9]+)?$",
    error="Not a telephone number, such as +44 20 7946 0123.",
)


class Time(fields.Field[datetime]):
    """RFC 3339 with its offset, which is never guessed; loads as an aware datetime in UTC."""

    default_error_messages = {  # noqa: RUF012  # marshmallow merges these up the class tree.
        "invalid": "Not a time as RFC 3339 writes it, such as 2026-03-02T09:00:00+01:00.",
        "offset": "Needs an offset from UTC, such as Z or +01:00.",
        "range": f"Must be between the years {YEAR_MIN} and {YEAR_MAX}.",
    }

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> datetime:
        del attr, data, kwargs
        if not isinstance(value, str):
            raise self.make_error("invalid")
        # An unescaped + in an address arrives as a space.
        match = _RFC3339.fullmatch(value.replace(" ", "+"))
        if match is None:
            missing = _RFC3339.fullmatch(value + "Z") is not None
            raise self.make_error("offset" if missing else "invalid")
        day, minute, second, offset = match.groups()
        try:
            moment = datetime.fromisoformat(
                f"{day}T{minute}{(second or ':00')[:10]}{offset.upper()}"
            ).astimezone(UTC)
        except (ValueError, OverflowError):
            raise self.make_error("invalid") from None
        if not YEAR_MIN <= moment.year <= YEAR_MAX:
            raise self.make_error("range")
        return moment


class Day(fields.Date):
    """A day of the calendar as 2026-03-29, and in no other way."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> date:
        if not isinstance(value, str) or not _DATE.fullmatch(value):
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        day: date = super()._deserialize(value, attr, data, **kwargs)
        if not YEAR_MIN <= day.year <= YEAR_MAX:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        return day


class Text(fields.String):
    """Text without blanks around it, between `shortest` and `longest` characters.

    No control characters; what may be empty is prose, and may have lines and tabs.
    """

    def __init__(self, longest: int, *, shortest: int = 1, **kwargs: Any) -> None:
        kwargs.setdefault("validate", validate.Length(min=shortest, max=longest))
        self._refused = _CONTROLS if shortest else _CONTROLS_BUT_LINES
        super().__init__(**kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        text = text.strip()
        if self._refused.search(text):
            raise ValidationError("Holds a control character: leave it out.")
        return text


class TimeZone(Text):
    """The name of a time zone in the IANA database."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["validate"] = _is_time_zone
        kwargs["metadata"] = {"example": "Europe/Berlin", **kwargs.get("metadata", {})}
        super().__init__(100, **kwargs)


def _is_time_zone(name: str) -> None:
    if name not in _time_zones():
        raise ValidationError("Not a time zone of the IANA database, as Europe/Berlin is.")


@cache
def _time_zones() -> frozenset[str]:
    # Of the package, not of the machine: what is accepted is the same wherever the server runs.
    names = files("tzdata").joinpath("zones").read_text("utf-8").split()
    return frozenset(names) - _NO_PLACE


class _WholeNumber(fields.Integer):
    """A JSON number without a fraction; to JSON Schema, 2.0 is the integer 2."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return super()._deserialize(value, attr, data, **kwargs)


def channel_name(**kwargs: Any) -> fields.String:
    """The name of a sales channel in a query."""
    kwargs.setdefault(
        "metadata",
        {
            "description": "Only the locations that the vendor has mapped this sales channel to;"
            " `web` for callers without a key of the vendor who name none."
        },
    )
    return Text(CHANNEL_MAX, **kwargs)


def whole_number(least: int, most: int, **kwargs: Any) -> fields.Integer:
    """A JSON integer within bounds."""
    return _WholeNumber(strict=True, validate=validate.Range(least, most), **kwargs)


class MoneySchema(Schema):
    """An amount in minor units (cents) of a currency."""

    amount = whole_number(
        0,
        PRICE_AMOUNT_MAX,
        required=True,
        metadata={"description": "In minor units: 4500 is 45.00 EUR."},
    )
    currency = fields.String(
        required=True,
        validate=Pattern("^[A-Z]{3}$", error="Not a currency code, as EUR is."),
        metadata={"description": "ISO 4217", "example": "EUR"},
    )


def money(*, patch: bool = False, **kwargs: Any) -> fields.Nested:
    """An amount with its currency, or null; in a merge patch one of the two may be left out."""
    return fields.Nested(MoneySchema(partial=patch or None), allow_none=True, **kwargs)


class SpanSchema(Schema):
    """From when to when."""

    start = Time()
    end = Time()


def closed_times() -> fields.List[dict[str, Any]]:
    """The times of a slot that are kept for those who have booked them, and for nobody else."""
    return fields.List(
        fields.Nested(SpanSchema()),
        metadata={
            "description": "Times of it that its schedule does not give any more, kept for the"
            " bookings in them: nobody else can book them, nor when these are cancelled. They go"
            " when the schedule is next published and nobody is left in them."
        },
    )


def merged_money(
    patch: Mapping[str, Any] | None, present: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """A price as a merge patch leaves it. Raises InvalidRequest when it is then half a price."""
    if patch is None:
        return None
    merged = {**(present or {}), **patch}
    for member in ("amount", "currency"):
        if merged.get(member) is None:
            raise InvalidRequest({f"price.{member}": "Is required."})
    return merged


class Count(fields.Integer):
    """A whole number in an address, in plain digits."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, str) and not _DIGITS.fullmatch(value):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class YesOrNo(fields.Boolean):
    """A JSON boolean and nothing that merely sounds like one, nor 1, which equals True."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        del attr, data, kwargs
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


def json_object(size_max: int, **kwargs: Any) -> fields.Dict:
    """A JSON object of the caller's own, at most `size_max` characters when written out."""

    def check(value: dict[str, Any]) -> None:
        if len(str(value)) > size_max:
            raise ValidationError(f"Longer than {size_max} characters.")

    return fields.Dict(keys=fields.String(), validate=check, **kwargs)
