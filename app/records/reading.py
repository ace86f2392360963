"""Records from CSV and JSON files, one after another, each with the line it begins on."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from app.records.arrays import read_array
from app.records.formulas import unguarded
from app.records.lines import UTF_8, FileError, decoded_lines, text_reader

__all__ = ["FileError", "Record", "Shape", "read_records"]

DELIMITERS = (",", ";", "\t")
CELL_MAX = 200_000


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a file. A cell that is there and empty is None; a column that is not, is not."""

    line: int
    cells: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """What a file is to hold. `aliases`: other names of columns, and what they stand for."""

    kind: str
    columns: Sequence[str]
    needed: Sequence[str] = ()
    aliases: Mapping[str, str] | None = None

    def column(self, name: str) -> str:
        """The column's own name."""
        return (self.aliases or {}).get(name, name)


def read_records(
    path: Path, shape: Shape, form: str | None = None, encoding: str = UTF_8
) -> Iterator[Record]:
    """The records of the file, `form` csv or json; None: as its name or its content says.

    CSV has a header and commas, semicolons or tabs; cells are texts. JSON is an array of objects,
    or an object with such an array by the kind's name. No more of the file is in memory than a
    record needs. Raises FileError.
    """
    with _opened(path) as file:
        if (form or form_of(path, file)) == "json":
            for line, value in read_array(text_reader(file, encoding), shape.kind):
                cells = {shape.column(name): _none_if_empty(cell) for name, cell in value.items()}
                _require_known(shape, cells, line)
                yield Record(line, cells)
        else:
            yield from _csv(decoded_lines(file, encoding), shape)


def form_of(path: Path, file: BinaryIO) -> str:
    """What the file is: by how it begins, which no header does, otherwise by its name."""
    begins = file.read(200).decode(UTF_8, "replace").lstrip("\ufeff \t\r\n")[:1]
    file.seek(0)
    return "json" if (begins and begins in "[{") or path.suffix.lower() == ".json" else "csv"


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise FileError(f"cannot be read: {error.strerror}.") from None
    with file:
        yield file


def _csv(lines: Iterator[str], shape: Shape) -> Iterator[Record]:
    number, header = 0, ""
    for header in lines:
        number += 1
        if header.strip() and not header.lower().startswith("sep="):
            break
    else:
        raise FileError("The file is empty.")
    delimiter = max(DELIMITERS, key=lambda one: _known(header, one, shape))
    csv.field_size_limit(CELL_MAX)
    rows = csv.reader(
        chain([header], lines), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    skipped = number - 1
    began = number
    try:
        names = [shape.column(name.strip()) for name in next(rows)]
        _require_header(shape, names, number)
        while True:
            began = skipped + rows.line_num + 1
            cells = next(rows, None)
            if cells is None:
                return
            if any(cell.strip() for cell in cells):
                yield Record(began, _cells(names, cells, began))
    except csv.Error as error:
        raise FileError(f"line {began}: not CSV: {_said(error)}") from None


def _cells(names: list[str], cells: list[str], line: int) -> dict[str, str | None]:
    if len(cells) > len(names) and any(cell.strip() for cell in cells[len(names) :]):
        raise FileError(
            f"line {line}: {len(cells)} cells, more than the {len(names)} columns: a cell that"
            ' holds the separator or a quotation mark stands in quotation marks: "a, b".'
        )
    # A row may end early: what is missing is empty.
    given = [unguarded(cell.strip()) or None for cell in cells[: len(names)]]
    return dict(zip(names, given + [None] * (len(names) - len(given)), strict=True))


def _said(error: csv.Error) -> str:
    if "field larger than" in str(error) or "unexpected end" in str(error):
        return "a quotation mark that begins here, or in this record, is never closed."
    if "new-line character" in str(error):
        return "its lines end with a carriage return alone: save it with the usual line ends."
    return f"{error}."


def _known(header: str, delimiter: str, shape: Shape) -> int:
    try:
        names = next(csv.reader([header], delimiter=delimiter, skipinitialspace=True))
    except csv.Error:
        return 0
    return sum(shape.column(name.strip()) in shape.columns for name in names)


def _require_header(shape: Shape, names: list[str], line: int) -> None:
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise FileError(f"line {line}: the column {twice or '(without a name)'} stands twice.")
    if not set(names) & set(shape.columns):
        found = ", ".join(names)[:200]
        raise FileError(
            f"line {line}: neither JSON, which begins with [ or {{, nor the header of a CSV file of"
            f" {shape.kind}. Its columns are {', '.join(shape.columns)}; found: {found}."
        )
    _require_known(shape, names, line)
    missing = [name for name in shape.needed if name not in names]
    if missing:
        raise FileError(f"line {line}: the column {', '.join(missing)} is missing.")


def _require_known(shape: Shape, names: Any, line: int) -> None:
    for name in names:
        if name not in shape.columns:
            alike = get_close_matches(str(name), shape.columns, 1, 0.7)
            meant = f"did you mean {alike[0]}?" if alike else "leave it out."
            raise FileError(f"line {line}: {shape.kind} have no column {str(name)[:60]!r}: {meant}")


def _none_if_empty(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value
