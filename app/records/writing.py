"""Files of records, CSV or JSON, that nobody but their owner can read."""

from __future__ import annotations

import csv
import fcntl
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
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
def together(paths: Collection[Path]) -> Iterator[None]:
    """What a writer has written of the files takes their places at the end; after an error nothing
    of it is left. Nobody else does so in their folder meanwhile: raises BlockingIOError.
    """
    with _alone({path.parent for path in paths}):
        try:
            yield
            for path in paths:
                _part(path).replace(path)
        finally:
            for path in paths:
                _part(path).unlink(missing_ok=True)


@contextmanager
def writer(path: Path, columns: Sequence[str], form: str) -> Iterator[Writer]:
    """Writes records into a new file of mode 0600 beside `path`, where `together` puts it then.
    In CSV, texts that a spreadsheet would run as a formula stand behind an apostrophe.
    """
    part = _part(path)
    # Of somebody who was killed.
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    # With a byte order mark, without which Excel takes UTF-8 for something else.
    encoding = "utf-8-sig" if form == "csv" else "utf-8"
    with os.fdopen(descriptor, "w", encoding=encoding, newline="") as file:
        kind = _CsvWriter if form == "csv" else _JsonWriter
        with kind(file, columns) as records:
            yield records
        # A disk that is full says so now, and not when nobody listens any more.
        file.flush()
        os.fsync(file.fileno())


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


@contextmanager
def _alone(folders: Collection[Path]) -> Iterator[None]:
    with ExitStack() as held:
        for folder in sorted(folders):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            held.callback(os.close, descriptor)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise BlockingIOError(
                    error.errno, "Another export is writing here: wait for it.", str(folder)
                ) from None
        yield


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return guarded(_listed([str(one) for one in value]))
    return guarded(value) if isinstance(value, str) else str(value)


def _listed(texts: list[str]) -> str:
    """With bars between; as JSON if one of the texts has a bar of its own, or looks like JSON."""
    if any("|" in one or one.startswith("[") for one in texts):
        return json.dumps(texts, ensure_ascii=False)
    return " | ".join(texts)


def _none_if_empty(value: Any) -> Any:
    return None if value == "" else value
