"""Import of the vendor's own settings: one row, taken whole by a vendor that nobody has changed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func

from app.transfer.cells import Cells, given, loaded, typed
from app.transfer.channels import KIND as CHANNELS
from app.transfer.context import Context, require
from app.transfer.faults import RowError
from app.transfer.kinds import KINDS
from app.transfer.watching import CHECKING, IMPORTING
from app.vendors.schemas import VendorSchema

KIND = KINDS["settings"]
_SCHEMA = VendorSchema(only=tuple(KIND.columns), partial=True)
_DEFAULTS: Cells = {
    "public_booking": True,
    "availability_numbers": "exact",
    "open_bookings_max": None,
    "hold_minutes": 10,
    "service_required": False,
}
_NEVER_CHANGED = 1


class SettingsRows:
    """The settings of the files: at most one row of them."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._values: Cells | None = None

    def lock(self) -> None:
        """Nobody else changes the vendor until the commit; before everything that looks at it."""
        if self._context.has(KIND) or self._context.has(CHANNELS):
            directory = self._context.directory
            self._context.session.refresh(directory.vendor, with_for_update={"key_share": True})
            directory.time_zone = directory.vendor.time_zone

    def check(self) -> None:
        """Read the row; note what is wrong, and what is there and different."""
        for file, record in self._context.rows(KIND, CHECKING):
            try:
                if self._values is not None:
                    raise RowError({"": "A vendor has one row of settings."})  # noqa: TRY301
                cells, wrong = typed(KIND, record)
                values = loaded(_SCHEMA, given(cells), KIND, wrong)
                for name, cell in cells.items():
                    if cell is None and name not in _DEFAULTS:
                        wrong[name] = "Is required."
                require(wrong)
                self._values = {name: values.get(name, _DEFAULTS.get(name)) for name in cells}
                self._require_alike()
            except RowError as error:
                self._context.faults.add(file, record, error.wrong)
        if self._values is not None:
            self._context.directory.time_zone = self._values.get(
                "time_zone", self._context.directory.time_zone
            )

    def _require_alike(self) -> None:
        if self._context.update or self._context.directory.vendor.version == _NEVER_CHANGED:
            return
        require(
            {
                name: f"It is {present!r} already: correct the file, or say --update."
                for name, present in self._different().items()
            }
        )

    def _different(self) -> dict[str, Any]:
        """What the vendor has where the file has something else."""
        vendor = self._context.directory.vendor
        return {
            name: getattr(vendor, name)
            for name, value in (self._values or {}).items()
            if getattr(vendor, name) != value
        }

    def apply(self) -> None:
        """Give the vendor what the file says."""
        if self._values is None:
            return
        vendor, different = self._context.directory.vendor, self._different()
        if different:
            for name in different:
                setattr(vendor, name, self._values[name])
            vendor.version += 1
            vendor.updated_at = func.now()
            self._context.session.flush()
            self._context.session.refresh(vendor)
        self._context.report.count(KIND.name, "changed" if different else "unchanged")
        self._context.tick(f"{IMPORTING} {KIND.name}")
