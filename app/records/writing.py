"""Files of records, CSV or JSON, that nobody but their owner can read."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from app.records.formulas import guarded

FILE_MODE = 0o600


class Writer(Protocol):
    def write(self, record: Mapping[str, Any]) -> None: ...


class _CsvWriter:
    def __init__(self, file: Any, columns: Sequence[str]) -> None:
        self._columns = columns
        self._rows = csv.writer(file)
        self._rows.writerow(columns)

    def write(self, record: Mapping[str, Any]) -> None:
        self._rows.writerow([_cell(record.get(name)) for name in self._columns])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class _JsonWriter:
    def __init__(self, file: Any, columns: Sequence[str]) -> None:
        self._file, self._columns, self._before = file, columns, "[\n"

    def write(self, record: Mapping[str, Any]) -> None:
        members = {name: _none_if_empty(record.get(name)) for name in self._columns}
        self._file.write(self._before + json.dumps(members, ensure_ascii=False))
        self._before = ",\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, error: type[BaseException] | None, _: object, __: TracebackType | None
    ) -> None:
        if error is None:
            self._file.write("[]\n" if self._before == "[\n" else "\n]\n")


@contextmanager
def writer(path: Path, columns: Sequence[str], form: str) -> Iterator[Writer]:
    """Writes records into a new file of mode 0600, which takes the place of `path` when all are
    written. In CSV, texts that a spreadsheet would run as a formula stand behind an apostrophe.
    """
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    try:
        # With a byte order mark, without which Excel takes UTF-8 for something else.
        encoding = "utf-8-sig" if form == "csv" else "utf-8"
        with os.fdopen(descriptor, "w", encoding=encoding, newline="") as file:
            kind = _CsvWriter if form == "csv" else _JsonWriter
            with kind(file, columns) as records:
                yield records
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return guarded(" | ".join(map(str, value)))
    return guarded(value) if isinstance(value, str) else str(value)


def _none_if_empty(value: Any) -> Any:
    return None if value == "" else value
