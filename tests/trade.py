"""A vendor whose goods go in and out of files."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from flask import Flask

from app.transfer.context import Report, Source
from app.transfer.exporting import export_files
from app.transfer.faults import ImportRefusedError
from app.transfer.importing import Choices, import_files
from app.transfer.kinds import KINDS

TABLES = (
    *("locations", "providers", "services", "service_needs", "service_providers", "schedules"),
    *("schedule_exceptions", "busy_times", "busy_blocks", "slots", "customers", "bookings"),
    *("claims", "events", "import_refs"),
)


@dataclass
class Trade:
    """`app` and `owner` are autocommit connections; `folder` is the vendor's own."""

    offline: Flask
    app: psycopg.Connection
    owner: psycopg.Connection
    slug: str
    vendor_id: UUID
    folder: Path

    def write(self, **files: str) -> list[Path]:
        """CSV files of the folder, by kind, as somebody would type them."""
        paths = []
        for kind, content in files.items():
            path = self.folder / f"{kind}.csv"
            path.write_text(content, encoding="utf-8")
            paths.append(path)
        return paths

    def take(
        self, *, update: bool = False, dry_run: bool = False, **files: str
    ) -> dict[str, dict[str, int]]:
        """Import CSV files; how many rows of each kind were made, changed and so on."""
        return self.take_files(self.write(**files), update=update, dry_run=dry_run)

    def take_files(self, paths: list[Path], *, update: bool = False, dry_run: bool = False) -> Any:
        """Import files whose names say their kinds."""
        sources = [Source(path, KINDS[path.stem]) for path in paths]
        report = self.report(sources, Choices(update, dry_run))
        return {kind: dict(counts) for kind, counts in report.counts.items()}

    def report(self, sources: list[Source], choices: Choices | None = None) -> Report:
        """What an import tells."""
        with self.offline.app_context():
            return import_files(self.vendor_id, sources, choices or Choices())

    def refused(self, *, update: bool = False, **files: str) -> list[str]:
        """What an import that is refused says; nothing at all has been written."""
        before = self.rows()
        try:
            told = self.take(update=update, **files)
        except ImportRefusedError as error:
            assert self.rows() == before
            return [str(fault) for fault in error.faults.found]
        raise AssertionError(f"not refused: {told}")

    def export(self, form: str = "csv", name: str = "out", *kinds: str) -> Path:
        """A new folder with what the vendor has."""
        folder = self.folder / name
        with self.offline.app_context():
            export_files(self.vendor_id, folder, form, kinds or tuple(KINDS))
        return folder

    def rows(self) -> dict[str, list[Any]]:
        """Everything the vendor has, as it stands in the tables."""
        found = {
            table: self.owner.execute(
                f"SELECT * FROM {table} WHERE vendor_id = %s ORDER BY 1, 2, 3", [self.vendor_id]
            ).fetchall()
            for table in TABLES
        }
        vendor = "SELECT * FROM vendors WHERE id = %s"
        return {**found, "vendors": self.owner.execute(vendor, [self.vendor_id]).fetchall()}

    def count(self, table: str) -> int:
        """How many rows of the table are the vendor's."""
        counted = f"SELECT count(*) FROM {table} WHERE vendor_id = %s"
        return self.owner.execute(counted, [self.vendor_id]).fetchone()[0]


def records(path: Path) -> list[dict[str, Any]]:
    """What an exported file holds."""
    if path.suffix == ".json":
        found: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
        return found
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))
