"""A vendor's catalogue by everything a file may call its rows: ref, id, name."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import ImportRef, Location, Provider, Schedule, Service, Vendor
from app.transfer.faults import Wrong


@dataclass(slots=True, eq=False)
class Entry:
    """A row of the catalogue, there already or about to be made (`row` and `id` are then None)."""

    name: str
    id: UUID | None = None
    archived: bool = False
    row: Any = None
    # Of a provider or schedule: where it is. Of a location: the time zone.
    location: Entry | None = None
    zone: str | None = None
    # Of a schedule: whose it is.
    provider: Entry | None = None

    @property
    def clock(self) -> str | None:
        """The time zone of the place."""
        return self.zone if self.location is None else self.location.zone


@dataclass(slots=True)
class Names:
    """Entries of one kind, as files call them."""

    noun: str
    entries: list[Entry] = field(default_factory=list)
    refs: dict[str, Entry] = field(default_factory=dict)
    _ids: dict[str, Entry] = field(default_factory=dict)
    _names: defaultdict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))

    def add(self, entry: Entry, ref: str | None = None) -> None:
        """Know the entry from now on, by its ref, too."""
        self.entries.append(entry)
        self._names[entry.name].append(entry)
        if entry.id is not None:
            self._ids[str(entry.id)] = entry
        if ref is not None:
            self.refs[ref] = entry

    def known(self, ref: str) -> Entry | None:
        """Who was called so by a file, or has this id."""
        return self.refs.get(ref) or self._ids.get(ref.lower())

    def named(self, name: str, *, archived: bool = False) -> list[Entry]:
        """Those of this name which are archived, or are not."""
        return [one for one in self._names.get(name, ()) if one.archived == archived]

    def find(self, text: str) -> Entry:
        """Who is meant: by ref, id or name. Raises LookupError with a sentence."""
        text = text.strip()
        found = self.known(text)
        if found is not None:
            return found
        named = self.named(text) or self.named(text, archived=True)
        if len(named) == 1:
            return named[0]
        if named:
            raise LookupError(f"Several {self.noun} have this name: say which by its ref or id.")
        raise LookupError(f"None of the {self.noun} has this ref, id or name.")


_MODELS: tuple[type[Any], ...] = (Location, Provider, Service, Schedule)


class Directory:
    """The vendor's locations, providers, services and schedules, archived ones included."""

    def __init__(self, session: Session, vendor_id: UUID) -> None:
        self.locations, self.providers = Names("locations"), Names("providers")
        self.services, self.schedules = Names("services"), Names("schedules")
        rows: dict[type[Any], Any] = {
            model: session.scalars(
                select(model)
                .where(model.vendor_id == vendor_id)
                .order_by(model.id)
                .execution_options(populate_existing=True)
            ).all()
            for model in _MODELS
        }
        self.vendor = session.get_one(Vendor, vendor_id, populate_existing=True)
        # As it will be after the import.
        self.time_zone = self.vendor.time_zone
        by_id: dict[UUID, Entry] = {}
        for model, names in (
            (Location, self.locations),
            (Provider, self.providers),
            (Service, self.services),
            (Schedule, self.schedules),
        ):
            for row in rows[model]:
                by_id[row.id] = _entry(row, by_id)
                names.add(by_id[row.id])
        known = select(ImportRef.kind, ImportRef.ref, ImportRef.row_id)
        kinds = ("locations", "providers", "services", "schedules")
        for kind, ref, row_id in session.execute(
            known.where(ImportRef.vendor_id == vendor_id, ImportRef.kind.in_(kinds))
        ):
            getattr(self, kind).refs[ref] = by_id[row_id]


def _entry(row: Any, by_id: dict[UUID, Entry]) -> Entry:
    entry = Entry(getattr(row, "name", ""), row.id, row.archived_at is not None, row)
    entry.zone = getattr(row, "time_zone", None)
    if isinstance(row, Provider | Schedule) and row.location_id is not None:
        entry.location = by_id[row.location_id]
    if isinstance(row, Schedule):
        entry.provider = by_id[row.provider_id]
    return entry


def pick(
    names: Names, cells: dict[str, Any], column: str, wrong: Wrong, *, needed: bool = False
) -> Entry | None:
    """Who the cell, which is taken out of `cells`, means; what is wrong is added to `wrong`."""
    text = cells.pop(column, None)
    if text is None:
        if needed:
            wrong[column] = "Is required."
        return None
    try:
        return names.find(str(text))
    except LookupError as error:
        wrong[column] = str(error)
    return None
