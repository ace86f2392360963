"""What a row of bookings says, and how it is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from app.bookings.schemas import (
    CANCELLATION_REASON_MAX,
    METADATA_MAX,
    NOTES_MAX,
    STATUSES,
    CustomerSchema,
)
from app.errors import InvalidRequest
from app.records.reading import Record
from app.transfer.cells import Cells, given, loaded, moment, typed, with_price
from app.transfer.claiming import Claim
from app.transfer.context import require
from app.transfer.directory import Directory, Entry, pick
from app.transfer.faults import Wrong, wrong_of
from app.transfer.kinds import KINDS
from app.transfer.refs import ref_of
from app.transfer.slots import read_times
from app.vendors.schemas import DAY_MINUTES
from app.wire.fields import CHANNEL_MAX, QUANTITY_MAX, Text, json_object, money, whole_number
from app.wire.parser import invalid

KIND = KINDS["bookings"]
# No function makes these, and they hold no place.
OVER = frozenset({"requested", "expired", "declined"})
_DETAILS = ("guests", "channel", "notes", "internal_notes", "metadata")


class _RowSchema(Schema):
    kind = fields.String(
        validate=validate.OneOf(["appointment", "block"]), load_default="appointment"
    )
    status = fields.String(validate=validate.OneOf(STATUSES), load_default="confirmed")
    price = money()
    buffer_before_minutes = whole_number(0, DAY_MINUTES)
    buffer_after_minutes = whole_number(0, DAY_MINUTES)
    cancelled_by = fields.String(validate=validate.OneOf(["customer", "vendor", "system"]))
    cancellation_reason = Text(CANCELLATION_REASON_MAX, shortest=0)
    # As the API takes them.
    quantity = whole_number(1, QUANTITY_MAX, load_default=1)
    guests = whole_number(0, QUANTITY_MAX)
    channel = Text(CHANNEL_MAX)
    notes = Text(NOTES_MAX, shortest=0)
    internal_notes = Text(NOTES_MAX, shortest=0)
    metadata = json_object(METADATA_MAX)


_ROW = _RowSchema()
_CUSTOMER = CustomerSchema()


@dataclass(slots=True)
class Wanted:
    """A booking of a file. `ref` is what the file calls it, if it does."""

    file: str
    record: Record
    ref: str | None
    providers: list[Entry]
    service: Entry | None
    customer: str | None
    claim: Claim
    values: Cells

    @property
    def occupying(self) -> bool:
        """Whether it holds its place once it is what the row says."""
        return self.values["status"] not in {"cancelled", *OVER}

    @property
    def said(self) -> tuple[Any, ...]:
        """What an imported booking never changes, but for its provider."""
        one = self.claim
        return one.start, one.end, one.quantity, self.values["kind"]

    @property
    def meant(self) -> tuple[Any, ...]:
        """What else tells it from others at its time: whether it holds its place, and for whom."""
        person = self.customer or self.claim.details.get("customer", {})
        return self.occupying, person if isinstance(person, str) else tuple(sorted(person.items()))


def read_booking(directory: Directory, file: str, record: Record) -> Wanted:
    """The booking that the row wants. Raises RowError."""
    cells, wrong = typed(KIND, record)
    ref = ref_of(cells, wrong)
    provider = pick(directory.providers, cells, "provider", wrong, needed=True)
    others = [
        pick(directory.providers, {"other_providers": name}, "other_providers", wrong)
        for name in cells.pop("other_providers", None) or ()
    ]
    service = pick(directory.services, cells, "service", wrong)
    zone = provider.clock if provider else None
    start, end = read_times(cells, zone, wrong)
    until = _until(cells, zone, wrong)
    customer = cells.pop("customer", None)
    person = _person(cells, wrong)
    values = loaded(_ROW, given(with_price(cells)), KIND, wrong)
    if values.get("kind") == "block" and (customer or person):
        wrong["customer"] = "A block is nobody's appointment."
    require(wrong)
    as_made = _as_made(record, values, service)
    details = {name: values[name] for name in _DETAILS if values.get(name) is not None}
    if person and not customer:
        details["customer"] = person
    if values["kind"] == "block":
        details["kind"] = "block"
    if as_made is not None:
        details["as_made"] = as_made
    wanted = Claim(start, end, values["quantity"], details, until)
    _buffers(wanted, as_made, service)
    named = [one for one in (provider, *others) if one is not None]
    called = str(customer) if customer is not None else None
    return Wanted(file, record, ref, named, service, called, wanted, values)


def _until(cells: Cells, zone: str | None, wrong: Wrong) -> datetime | None:
    cell = cells.pop("hold_expires_at", None)
    if cell is None:
        return None
    try:
        return moment(cell, zone)
    except ValueError as error:
        wrong["hold_expires_at"] = str(error)
    return None


def _person(cells: Cells, wrong: Wrong) -> Cells:
    names = ("name", "email", "phone")
    told = given({name: cells.pop(f"customer_{name}", None) for name in names})
    if not told:
        return {}
    try:
        person: Cells = _CUSTOMER.load(told)
    except ValidationError as error:
        found = InvalidRequest(
            {f"customer_{one['field']}": one["message"] for one in invalid(error).members["errors"]}
        )
        wrong.note(wrong_of(found, KIND.columns))
        return {}
    return person


def _as_made(record: Record, values: Cells, service: Entry | None) -> Cells | None:
    """What the booking had when it was made, where the row says so; then today's rules of the
    service are not asked.
    """
    names = ("buffer_before_minutes", "buffer_after_minutes")
    if values.get("price") is None and all(values.get(name) is None for name in names):
        return None
    as_made = {name: values.get(name, getattr(service and service.row, name, 0)) for name in names}
    if "price_amount" in record.cells:
        as_made["price"] = values.get("price")
    return as_made


def _buffers(wanted: Claim, as_made: Cells | None, service: Entry | None) -> None:
    """Give the claim the buffers of when it was made, or of its service."""
    if service is None:
        return
    # What the file says of a service that is only about to be made is not known in the first look.
    row = as_made or {
        name: getattr(service.row, name, 0)
        for name in ("buffer_before_minutes", "buffer_after_minutes")
    }
    wanted.before = timedelta(minutes=row["buffer_before_minutes"])
    wanted.after = timedelta(minutes=row["buffer_after_minutes"])
