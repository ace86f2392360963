"""Import of sales channels: one that the files name leads where they say, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field

from marshmallow import Schema
from sqlalchemy import func

from app.records.reading import Record
from app.transfer.cells import given, loaded, typed
from app.transfer.context import Context, Done, require
from app.transfer.directory import Entry, pick
from app.transfer.faults import RowError
from app.transfer.kinds import KINDS
from app.transfer.watching import CHECKING, IMPORTING
from app.vendors.schemas import CHANNELS_MAX, LOCATIONS_MAX
from app.wire.fields import CHANNEL_MAX, Text, whole_number

KIND = KINDS["channels"]


class _RowSchema(Schema):
    channel = Text(CHANNEL_MAX, required=True)
    preference = whole_number(1, LOCATIONS_MAX, load_default=1)


_SCHEMA = _RowSchema()


@dataclass(slots=True)
class _Wanted:
    """A channel, and its locations with the preference of each."""

    file: str
    record: Record
    rows: int = 0
    closed: bool = False
    places: list[tuple[int, Entry]] = field(default_factory=list)

    def take(self, location: Entry | None, preference: int) -> None:
        """One row more. Raises RowError."""
        self.rows += 1
        if self.closed or (location is None and self.places):
            raise RowError({"location": "A channel without a location leads nowhere else."})
        if len(self.places) == LOCATIONS_MAX:
            raise RowError({"channel": f"At most {LOCATIONS_MAX} locations for each channel."})
        if location is None:
            self.closed = True
        else:
            self.places.append((preference, location))

    def locations(self) -> list[Entry]:
        """Best first: by preference, then as they come in the files."""
        return [location for _, location in sorted(self.places, key=lambda one: one[0])]


class ChannelRows:
    """The channels of the files."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._wanted: dict[str, _Wanted] = {}

    def check(self) -> None:
        """Gather the rows by channel; note what is wrong, and what is there and different."""
        for file, record in self._context.rows(KIND, CHECKING):
            try:
                self._check(file, record)
            except RowError as error:
                self._context.faults.add(file, record, error.wrong)
        present = self._context.directory.vendor.channels
        if len(present.keys() | self._wanted) > CHANNELS_MAX:
            *_, last = self._wanted.values()
            self._fault(last, f"At most {CHANNELS_MAX} channels.")
        for name, wanted in self._wanted.items():
            if name in present and self._differs(name, wanted) and not self._context.update:
                self._fault(wanted, "It leads elsewhere: correct the file, or say --update.")

    def _check(self, file: str, record: Record) -> None:
        cells, wrong = typed(KIND, record)
        location = pick(self._context.directory.locations, cells, "location", wrong)
        values = loaded(_SCHEMA, given(cells), KIND, wrong)
        require(wrong)
        wanted = self._wanted.setdefault(values["channel"], _Wanted(file, record))
        wanted.take(location, values["preference"])

    def _differs(self, name: str, wanted: _Wanted) -> bool:
        """Whether the channel does not lead where the files say, or is not there."""
        # What is only about to be made has no id, and no channel leads there.
        ids = [str(one.id) for one in wanted.locations()]
        return bool(self._context.directory.vendor.channels.get(name) != ids)

    def apply(self) -> None:
        """Let the channels lead where the files say."""
        vendor = self._context.directory.vendor
        different = {
            name: wanted for name, wanted in self._wanted.items() if self._differs(name, wanted)
        }
        for name, wanted in different.items():
            self._require_there(vendor.channels.get(name, ()), wanted)
        for name, wanted in self._wanted.items():
            done: Done = "unchanged"
            if name in different:
                done = "changed" if name in vendor.channels else "made"
            self._context.report.count(KIND.name, done, wanted.rows)
            for _ in range(wanted.rows):
                self._context.tick(f"{IMPORTING} {KIND.name}")
        if different:
            led = {name: [str(o.id) for o in one.locations()] for name, one in different.items()}
            vendor.channels = {**vendor.channels, **led}
            vendor.version += 1
            vendor.updated_at = func.now()
            self._context.session.flush()
            self._context.session.refresh(vendor)

    def _require_there(self, present: list[str] | tuple[str, ...], wanted: _Wanted) -> None:
        """FOR SHARE: no location that the channel leads to from now on is archived meanwhile."""
        for location in wanted.locations():
            self._context.session.refresh(location.row, with_for_update={"read": True})
            if location.row.archived_at is not None and str(location.id) not in present:
                self._fault(wanted, f"{location.name} is archived.")

    def _fault(self, wanted: _Wanted, message: str) -> None:
        self._context.faults.add(wanted.file, wanted.record, {"channel": message})
