"""From what stands in a file's cells to values: numbers, answers of yes and no, hours, moments."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from math import isfinite
from typing import Any

from marshmallow import Schema, ValidationError

from app.records.arrays import decoded
from app.records.reading import Record
from app.schedules.expand import instant, zone_of
from app.transfer.faults import Wrong, wrong_of
from app.transfer.kinds import HOURS, LIST, NUMBER, OBJECT, YES_NO, Kind
from app.wire.fields import Time
from app.wire.parser import DEPTH_MAX, invalid

Cells = dict[str, Any]

_NUMBER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_SAID = {
    **dict.fromkeys(("true", "yes", "1", "x"), True),
    **dict.fromkeys(("false", "no", "0"), False),
}
_SPAN = re.compile(r"(\d\d?:\d\d)\s*[-\u2013]\s*(\d\d?:\d\d)")
_LOCAL = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d):(\d\d)(?::(\d\d))?", re.ASCII)
_NO_TEXT = (
    "Holds a character that is no text (NUL or a surrogate), a number that is too great, or is"
    " nested too deeply."
)
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_TIME = Time()
_MOMENT = (
    "Not a time such as 2027-03-01T09:00:00+01:00, or by the clock of the location:"
    " 2027-03-01 09:00."
)


def typed(kind: Kind, record: Record) -> tuple[Cells, Wrong]:
    """The record's cells as the JSON they stand for, and what is wrong with those that are not
    among them. What is JSON and of the wrong type is there, for the schema to refuse.
    """
    cells, wrong = Cells(), Wrong()
    for name, cell in record.cells.items():
        reader = _READERS.get(kind.columns[name])
        try:
            value = reader(cell) if reader and isinstance(cell, str) else cell
        except ValueError as error:
            wrong[name] = str(error)
            continue
        if _is_storable(value):
            cells[name] = value
        else:
            wrong[name] = _NO_TEXT
    return cells, wrong


def _is_storable(value: Any, depth: int = DEPTH_MAX) -> bool:
    """Whether PostgreSQL can keep it."""
    if isinstance(value, str):
        return _UNSTORABLE.search(value) is None
    if isinstance(value, float):
        # JSON has no number for what is too great to be one.
        return isfinite(value)
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        return depth > 0 and all(_is_storable(one, depth - 1) for one in value)
    return True


def given(cells: Mapping[str, Any]) -> Cells:
    """The cells that are not empty."""
    return {name: cell for name, cell in cells.items() if cell is not None}


def with_price(cells: Cells) -> Cells:
    """The cells with `price` in place of its two columns; None if both are empty."""
    rest = {name: cell for name, cell in cells.items() if not name.startswith("price_")}
    if len(rest) == len(cells):
        return rest
    price = given({name: cells.get(f"price_{name}") for name in ("amount", "currency")})
    return {**rest, "price": price or None}


def loaded(schema: Schema, cells: Mapping[str, Any], kind: Kind, wrong: Wrong) -> Cells:
    """What the schema makes of the cells; what it refuses is added to `wrong`, by column."""
    try:
        values: Cells = schema.load(dict(cells))
    except ValidationError as error:
        wrong.note(wrong_of(invalid(error), kind.columns))
        values = {}
    return values


def moment(text: Any, zone: str | None) -> datetime:
    """The moment in UTC: with its offset, or by the clock of the zone as RFC 5545 has it.

    Raises ValueError with a sentence.
    """
    local = _LOCAL.fullmatch(str(text).strip())
    if local is None:
        try:
            found: datetime = _TIME.deserialize(str(text).strip().replace(" ", "T", 1))
        except ValidationError as error:
            message = str(error.messages[0])
            raise ValueError(_MOMENT if message.startswith("Not a time") else message) from None
        return found
    if zone is None:
        raise ValueError("Needs an offset, such as Z or +01:00: no location says what clock it is.")
    day, hours, minutes, seconds = local.groups()
    try:
        shown = time(int(hours), int(minutes), int(seconds or 0))
        start = instant(date.fromisoformat(day), shown.hour * 60 + shown.minute, zone_of(zone))
    except (ValueError, OverflowError):
        raise ValueError(_MOMENT) from None
    return start + timedelta(seconds=shown.second)


def written_moment(value: datetime, zone: str) -> str:
    """The moment as exports have it: by the clock of the zone, with its offset."""
    local = value.astimezone(zone_of(zone))
    # Before there were time zones, clocks were off by seconds, which no offset can say.
    odd = (local.utcoffset() or timedelta()) % timedelta(minutes=1)
    return (value.astimezone(UTC) if odd else local).isoformat()


def written_hours(hours: list[list[str]]) -> str:
    """[["09:00", "12:00"]] as exports have it: 09:00-12:00, several with blanks between."""
    return " ".join("-".join(pair) for pair in hours)


def _number(cell: str) -> Any:
    return int(cell) if _NUMBER.fullmatch(cell.strip()) else cell


def _yes_no(cell: str) -> Any:
    return _SAID.get(cell.strip().lower(), cell)


def _hours(cell: str) -> list[list[str]]:
    spans = [span for span in re.split(r"[\s,;]+", re.sub(r"\s*[-\u2013]\s*", "-", cell)) if span]
    found = [_SPAN.fullmatch(span) for span in spans]
    if not all(found):
        raise ValueError("Not hours such as 09:00-12:00, several with blanks between.")
    return [[one.zfill(5) for one in match.groups()] for match in found if match]


def _list(cell: str) -> list[str]:
    if cell.startswith("["):
        with suppress(ValueError, RecursionError):
            found = json.loads(cell)
            if isinstance(found, list) and all(isinstance(one, str) for one in found):
                return found
    return [part.strip() for part in cell.split("|") if part.strip()]


def _object(cell: str) -> Any:
    try:
        return decoded(cell)
    except (ValueError, RecursionError):
        raise ValueError('Must be a JSON object, such as {"seat": "aisle"}.') from None


_READERS: dict[str, Callable[[str], Any]] = {
    NUMBER: _number,
    YES_NO: _yes_no,
    HOURS: _hours,
    LIST: _list,
    OBJECT: _object,
}
