"""Import of locations, providers and services: matched to what is there, made or changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema
from sqlalchemy import func

from app.errors import Problem
from app.models import Location, Provider, Service
from app.records.reading import Record
from app.transfer.cells import Cells, given, loaded, typed, with_price
from app.transfer.context import Context, require
from app.transfer.directory import Entry, Names, pick
from app.transfer.faults import RowError, row_error
from app.transfer.kinds import KINDS
from app.transfer.refs import ref_of
from app.transfer.watching import CHECKING, IMPORTING
from app.vendors.actions import archive_within
from app.vendors.schemas import LocationSchema, ProviderSchema, ServiceSchema
from app.vendors.services import require_sense

Model = type[Location] | type[Provider] | type[Service]
_RULES = (
    "duration_minutes", "buffer_before_minutes", "buffer_after_minutes", "start_step_minutes",
    "notice_minutes", "window_days", "quantity_min", "quantity_max",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spec:
    """How a kind is read. `defaults`: what an empty cell stands for, None if not named."""

    model: Model
    schema: Schema
    defaults: dict[str, Any]


SPECS = {
    "locations": Spec(
        Location, LocationSchema(only=("name", "address", "time_zone")), {"address": ""}
    ),
    "providers": Spec(Provider, ProviderSchema(only=("name",)), {}),
    "services": Spec(
        Service,
        ServiceSchema(only=("name", "price", *_RULES)),
        {
            "buffer_before_minutes": 0,
            "buffer_after_minutes": 0,
            "start_step_minutes": 15,
            "notice_minutes": 0,
            "quantity_min": 1,
        },
    ),
}


@dataclass(slots=True)
class _Planned:
    """A row of a file, and what is to become of it."""

    file: str
    record: Record
    ref: str | None
    values: Cells
    archived: bool | None
    entry: Entry


class CatalogueRows:
    """The rows of one kind. `check` finds what each means, `apply` writes, `archive` comes last."""

    def __init__(self, context: Context, kind: str) -> None:
        self._context, self._kind, self._spec = context, KINDS[kind], SPECS[kind]
        self._names: Names = getattr(context.directory, kind)
        self._planned: list[_Planned] = []

    def check(self) -> None:
        """Match every row to the one it means, or to a new one; note what is wrong."""
        read: list[tuple[str, Record, str | None, Cells, bool | None]] = []
        for file, record in self._context.rows(self._kind, CHECKING):
            try:
                read.append((file, record, *self._values(record)))
            except RowError as error:
                self._context.faults.add(file, record, error.wrong)
        often = Counter((values["name"], bool(archived)) for _, _, _, values, archived in read)
        matched: set[Entry] = set()
        for file, record, ref, values, archived in read:
            try:
                alone = often[values["name"], bool(archived)] == 1
                entry = self._match(ref, values, bool(archived), alone=alone)
                _require_once(entry, matched, "ref" if ref else "name")
                self._learn(entry, ref, values)
                self._require_alike(entry, values, archived)
            except RowError as error:
                self._context.faults.add(file, record, error.wrong)
            else:
                planned = _Planned(file, record, ref, values, archived, entry)
                self._planned.append(planned)

    def _values(self, record: Record) -> tuple[str | None, Cells, bool | None]:
        cells, wrong = typed(self._kind, record)
        ref = ref_of(cells, wrong)
        archived = cells.pop("archived", False if "archived" in cells else None)
        if archived not in {None, True, False}:
            wrong["archived"] = "Must be yes or no."
        has_location = "location" in self._kind.columns
        location = None
        if has_location:
            location = pick(
                self._context.directory.locations, cells, "location", wrong, needed=True
            )
        cells = with_price(cells)
        values = loaded(self._spec.schema, given(cells), self._kind, wrong)
        require(wrong)
        for name in cells:
            values.setdefault(name, self._spec.defaults.get(name))
        if "price" in values:
            price = values.pop("price") or {"amount": None, "currency": None}
            values |= {"price_amount": price["amount"], "price_currency": price["currency"]}
        if self._spec.model is Location and values.get("time_zone", "") is None:
            values["time_zone"] = self._context.directory.time_zone
        if has_location:
            values["location"] = location
        return ref, values, archived

    def _match(self, ref: str | None, values: Cells, archived: bool, *, alone: bool) -> Entry:  # noqa: FBT001
        """The row that is meant: by ref or id, then by name if nobody else has it; or a new one."""
        if ref is not None:
            known = self._names.known(ref)
            if known is not None:
                return known
        named = [one for one in self._names.named(values["name"], archived=archived) if one.row]
        if len(named) == 1 and alone:
            return named[0]
        if ref is None and (named or not alone):
            raise RowError({"name": "Several have this name: give each of them a ref."})
        return Entry(values["name"])

    def _learn(self, entry: Entry, ref: str | None, values: Cells) -> None:
        """From now on other rows can name it, as the file has it."""
        if entry.row is None:
            self._names.add(entry, ref)
        elif ref is not None:
            self._names.refs[ref] = entry
        if self._spec.model is Location:
            entry.zone = values.get("time_zone") or entry.zone
            entry.zone = entry.zone or self._context.directory.time_zone
        if "location" in values:
            entry.location = values["location"]

    def _require_alike(self, entry: Entry, values: Cells, archived: bool | None) -> None:  # noqa: FBT001
        present = {name: getattr(entry.row, name, None) for name in _RULES} if entry.row else {}
        try:
            if self._spec.model is Service:
                require_sense(Service(**{**present, **values}))
        except Problem as error:
            raise row_error(error, self._kind.columns) from None
        if entry.row is None:
            return
        if entry.archived and archived is False:
            raise RowError({"archived": "It is archived, and does not come back: use another ref."})
        if entry.archived and _different(entry, values):
            raise RowError({"": "It is archived, and is not changed any more."})
        if self._context.update:
            return
        wrong = {name: _unlike(present) for name, present in _different(entry, values).items()}
        if archived and not entry.archived:
            wrong["archived"] = _unlike(False)  # noqa: FBT003
        require(wrong)

    def apply(self) -> None:
        """Make what is new, change what is different, and keep what rows are called."""
        for planned in self._planned:
            if planned.entry.row is None:
                self._make(planned)
            elif _different(planned.entry, planned.values):
                self._change(planned)
            elif planned.archived and not planned.entry.archived:
                self._context.report.count(self._kind.name, "changed")
            else:
                self._context.report.count(self._kind.name, "unchanged")
            self._context.tick(f"{IMPORTING} {self._kind.name}")
        named = [one for one in self._planned if one.ref is not None and one.entry.id is not None]
        self._context.keep_refs(self._kind.name, {str(one.ref): one.entry.id for one in named})  # type: ignore[misc]

    def _make(self, planned: _Planned) -> None:
        session = self._context.session
        values = _columns(planned.values)
        if self._spec.model is Location:
            values.setdefault("time_zone", self._context.directory.time_zone)
        row = self._spec.model(
            vendor_id=self._context.vendor_id, id=session.scalar(func.uuidv7()), **values
        )
        session.add(row)
        session.flush()
        planned.entry.row, planned.entry.id = row, row.id
        self._context.report.count(self._kind.name, "made")

    def _change(self, planned: _Planned) -> None:
        row = planned.entry.row
        self._context.session.refresh(row, with_for_update={"key_share": True})
        for name, value in _columns(planned.values).items():
            setattr(row, name, value)
        row.version += 1
        row.updated_at = func.now()
        self._context.session.flush()
        self._context.report.count(self._kind.name, "changed")

    def archive(self) -> None:
        """Archive what the files say is: last, since bookings of the past need it until then."""
        for planned in self._planned:
            if planned.archived and not planned.entry.archived:
                try:
                    archive_within(
                        self._context.session,
                        self._spec.model,
                        self._context.vendor_id,
                        planned.entry.row.id,
                    )
                except Problem as error:
                    wrong = {"archived": error.detail}
                    self._context.faults.add(planned.file, planned.record, wrong)


def _require_once(entry: Entry, matched: set[Entry], column: str) -> None:
    if entry in matched:
        raise RowError({column: "Two rows of the files mean the same."})
    matched.add(entry)


def _columns(values: Cells) -> Cells:
    columns = {name: value for name, value in values.items() if name != "location"}
    if "location" in values:
        columns["location_id"] = values["location"].id
    return columns


def _different(entry: Entry, values: Cells) -> dict[str, Any]:
    """What the row has where the file has something else, by column."""
    different = {}
    for name, value in values.items():
        if name == "location":
            if entry.row.location_id != value.id:
                different[name] = entry.row.location_id
        elif getattr(entry.row, name) != value:
            different[name] = getattr(entry.row, name)
    return different


def _unlike(present: Any) -> str:
    shown = "empty" if present is None else repr(present)
    return f"It is there already with {shown}: correct the file, or say --update."
