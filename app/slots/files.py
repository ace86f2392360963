"""Slots from CSV or JSON files, each with the line it stands on."""

from __future__ import annotations

import csv
import io
import json
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any
from uuid import UUID

from marshmallow import ValidationError, fields

from app.slots.schemas import SlotWantedSchema
from app.wire.parser import invalid

COLUMNS = (
    "provider_id",
    "start",
    "end",
    "capacity",
    "location_id",
    "price_amount",
    "price_currency",
)


class FileError(Exception):
    """The file cannot be read as slots; the message says on which line, and why."""


class _FileSlotSchema(SlotWantedSchema):
    provider_id = fields.UUID()


@dataclass(frozen=True, slots=True)
class LineSlot:
    """A slot to publish, and the line of the file it came from."""

    line: int
    provider_id: UUID
    slot: dict[str, Any]


def read_slots(text: str, provider_id: UUID | None) -> tuple[list[LineSlot], list[str]]:
    """The slots of a file, and what is wrong with the other lines: "line 7: end: …".

    CSV with a header of COLUMNS (only start and end are needed), or a JSON array of slots, or an
    object with such an array as `slots`. `provider_id` is for slots that name none. Raises
    FileError.
    """
    if not text.strip():
        raise FileError("The file is empty.")
    schema = _FileSlotSchema()
    slots: list[LineSlot] = []
    wrong: list[str] = []
    for line, raw in _json(text) if text.lstrip()[:1] in {"[", "{"} else _csv(text):
        try:
            slot = schema.load(raw)
        except ValidationError as error:
            wrong.append(f"line {line}: {invalid(error).detail}")
            continue
        provider = slot.pop("provider_id", provider_id)
        if provider is None:
            wrong.append(f"line {line}: provider_id: Whose slot? Name it here or by --provider.")
        else:
            slots.append(LineSlot(line, provider, slot))
    if not slots and not wrong:
        raise FileError("The file holds no slots.")
    return slots, wrong


def _csv(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    rows = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True)
    unknown = sorted(set(rows.fieldnames or ()) - set(COLUMNS))
    if unknown or not {"start", "end"} <= set(rows.fieldnames or ()):
        found = ", ".join(rows.fieldnames or ()) or "none"
        raise FileError(
            "line 1: neither JSON, which begins with [ or {, nor the header of a CSV file. Its"
            f" columns are {', '.join(COLUMNS)}; found: {found}."
        )
    try:
        for row in rows:
            if None in row:
                raise FileError(f"line {rows.line_num}: more cells than columns.")
            cells = {name: cell.strip() for name, cell in row.items() if cell and cell.strip()}
            if cells:
                yield rows.line_num, _typed(cells)
    except csv.Error as error:
        raise FileError(f"line {rows.line_num}: not CSV: {error}.") from None


def _typed(cells: dict[str, str]) -> dict[str, Any]:
    """A CSV row as the JSON it stands for; what is no number stays text, and is refused as such."""
    slot: dict[str, Any] = {
        name: int(cell) if name in {"capacity", "price_amount"} and cell.isdecimal() else cell
        for name, cell in cells.items()
    }
    price = {
        member: slot.pop(f"price_{member}")
        for member in ("amount", "currency")
        if f"price_{member}" in slot
    }
    return {**slot, "price": price} if price else slot


def _json(text: str) -> Iterator[tuple[int, Any]]:
    """The members of the array, decoded one by one, so that each is known by its line."""
    line_starts = list(accumulate((len(line) for line in text.split("\n")), lambda a, b: a + b + 1))
    decoder = json.JSONDecoder()
    position = _array_start(text)
    try:
        while (position := _skip(text, position, " \t\r\n,")) < len(text) and text[position] != "]":
            line = bisect_right(line_starts, position) + 1
            value, position = decoder.raw_decode(text, position)
            yield line, value
    except (json.JSONDecodeError, RecursionError) as error:
        line = getattr(error, "lineno", bisect_right(line_starts, position) + 1)
        raise FileError(f"line {line}: not JSON: {getattr(error, 'msg', 'too deep')}.") from None
    if position >= len(text):
        raise FileError("The file ends before its array of slots does.")


def _array_start(text: str) -> int:
    start = _skip(text, 0, " \t\r\n")
    if text[start] == "[":
        return start + 1
    try:
        if isinstance(json.loads(text).get("slots"), list):
            return text.index("[", text.index('"slots"')) + 1
    except (json.JSONDecodeError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise FileError(f"line {line}: not JSON: {getattr(error, 'msg', 'too deep')}.") from None
    raise FileError('line 1: a JSON array of slots, or {"slots": [...]}, is needed.')


def _skip(text: str, position: int, characters: str) -> int:
    while position < len(text) and text[position] in characters:
        position += 1
    return position
