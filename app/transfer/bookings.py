"""Import of bookings and blocks, each through the function that everybody books with."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from marshmallow import Schema, ValidationError, fields, validate
from sqlalchemy import text

from app import db
from app.bookings.schemas import (
    CANCELLATION_REASON_MAX,
    METADATA_MAX,
    NOTES_MAX,
    STATUSES,
    CustomerSchema,
)
from app.errors import InvalidRequest, Problem
from app.errors.refusals import refusal
from app.records.reading import Record
from app.transfer.cells import Cells, given, loaded, moment, typed, with_price
from app.transfer.claiming import Claim, claim, move
from app.transfer.context import Context, ref_of, require
from app.transfer.customers import find_customers
from app.transfer.directory import Entry, pick
from app.transfer.faults import RowError, row_error, wrong_of
from app.transfer.kinds import KINDS
from app.transfer.slots import read_times
from app.vendors.schemas import DAY_MINUTES
from app.wire.fields import CHANNEL_MAX, QUANTITY_MAX, Text, json_object, money, whole_number
from app.wire.parser import invalid

KIND = KINDS["bookings"]
BATCH = 500
REMARKS_MAX = 20
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
_THERE = text("""
    SELECT id, provider_id, lower(during) AS start, upper(during) AS end, quantity, kind
    FROM bookings WHERE vendor_id = :vendor_id AND id = ANY (:ids)
""")


@dataclass(slots=True)
class _Wanted:
    """A booking of a file."""

    file: str
    record: Record
    ref: str | None
    providers: list[Entry]
    service: Entry | None
    customer: str | None
    claim: Claim
    values: Cells

    @property
    def identity(self) -> tuple[Any, ...]:
        """What an imported booking never changes."""
        one = self.claim
        return self.providers[0].row.id, one.start, one.end, one.quantity, self.values["kind"]


class BookingRows:
    """The bookings of the files: first those that hold no place any more, then those that do."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._concerned: set[Entry] = set()
        self._from, self._to = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)
        # How often rows without a ref have said the same so far.
        self._often: Counter[bytes] = Counter()
        self._remarks = 0

    def check(self) -> None:
        """Read every row; note what is wrong, and which slots it is about."""
        for file, record in self._context.rows(KIND, "Checking"):
            try:
                wanted = self._read(file, record)
            except RowError as error:
                self._context.faults.add(file, record, error.wrong)
                continue
            self._concerned.update(wanted.providers)
            self._from = min(self._from, wanted.claim.start - timedelta(days=1))
            self._to = max(self._to, wanted.claim.end + timedelta(days=1))

    def lock(self) -> None:
        """Lock all slots that the bookings are about, in everybody's order, before any claim."""
        known = [one.id for one in self._concerned if one.id is not None]
        if known:
            db.call(
                "lock_slots_between",
                within=self._context.session,
                p_vendor_id=self._context.vendor_id,
                p_provider_ids=known,
                p_from=self._from,
                p_to=self._to,
            )

    def _read(self, file: str, record: Record) -> _Wanted:
        cells, wrong = typed(KIND, record), dict[str, str]()
        directory = self._context.directory
        ref = ref_of(cells, wrong)
        provider = pick(directory.providers, cells, "provider", wrong, needed=True)
        others = [
            pick(directory.providers, {"other_providers": name}, "other_providers", wrong)
            for name in cells.pop("other_providers", None) or ()
        ]
        service = pick(directory.services, cells, "service", wrong)
        zone = provider.clock if provider else None
        start, end = read_times(cells, zone, wrong)
        until = self._until(cells, zone, wrong)
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
        return _Wanted(file, record, ref, named, service, called, wanted, values)

    def _until(self, cells: Cells, zone: str | None, wrong: dict[str, str]) -> datetime | None:
        cell = cells.pop("hold_expires_at", None)
        if cell is None:
            return None
        try:
            return moment(cell, zone)
        except ValueError as error:
            wrong["hold_expires_at"] = str(error)
        return None

    def apply(self) -> None:
        """Book them. Cancelled ones first: they are claimed and cancelled, and free again."""
        for occupying in (False, True):
            self._often.clear()
            rows = (
                wanted
                for wanted in map(self._named, self._context.rows(KIND, "Importing"))
                if (wanted.values["status"] not in {"cancelled", *OVER}) == occupying
            )
            while batch := list(islice(rows, BATCH)):
                self._apply(batch)

    def _named(self, row: tuple[str, Record]) -> _Wanted:
        """The row, with a ref: made of what it says where the file gives none."""
        wanted = self._read(*row)
        if wanted.ref is None:
            provider, *said = wanted.identity
            service = wanted.service and wanted.service.row.id
            key = hashlib.sha256(repr((str(provider), *said, str(service))).encode()).digest()[:15]
            self._often[key] += 1
            wanted.ref = f"#{key.hex()}-{self._often[key]}"
        return wanted

    def _apply(self, batch: list[_Wanted]) -> None:
        there = self._there([str(one.ref) for one in batch])
        called = {one.customer for one in batch if one.customer is not None}
        customers = find_customers(self._context, sorted(called))
        refs: dict[str, UUID] = {}
        for wanted in batch:
            row = there.get(str(wanted.ref))
            try:
                if str(wanted.ref) in refs:
                    raise RowError({"ref": "Two rows of the files have this ref."})  # noqa: TRY301
                if row is not None:
                    self._require_alike(wanted, row)
                    continue
                made = self._book(wanted, customers)
            except RowError as error:
                self._context.faults.add(wanted.file, wanted.record, error.wrong)
                continue
            if made is not None:
                refs[str(wanted.ref)] = made
                self._context.report.count(KIND.name, "made")
                self._context.grew(1)
        self._context.keep_refs(KIND.name, refs)

    def _there(self, refs: list[str]) -> dict[str, Any]:
        known = self._context.kept_refs(KIND.name, refs)
        ids = {one: UUID(one) for one in refs if one not in known and _is_id(one)} | known
        rows = {
            row.id: row
            for row in self._context.session.execute(
                _THERE, {"vendor_id": self._context.vendor_id, "ids": list(ids.values())}
            )
        }
        return {ref: rows[row_id] for ref, row_id in ids.items() if row_id in rows}

    def _require_alike(self, wanted: _Wanted, row: Any) -> None:
        if wanted.identity != (row.provider_id, row.start, row.end, row.quantity, row.kind):
            raise RowError(
                {
                    "ref": "There is a booking of this ref already, of another provider, time,"
                    " quantity or kind: imports change no bookings."
                }
            )
        self._context.report.count(KIND.name, "unchanged")

    def _book(self, wanted: _Wanted, customers: dict[str, UUID]) -> UUID | None:
        """The new booking; None where a row that holds no place is left out."""
        status = wanted.values["status"]
        lapsed = wanted.claim.until is not None and wanted.claim.until <= datetime.now(UTC)
        if status in OVER or (status == "held" and lapsed):
            self._leave_out(wanted, f"{status} bookings hold no place")
            return None
        customer_id = customers.get(wanted.customer) if wanted.customer else None
        if wanted.customer and customer_id is None:
            raise RowError({"customer": "None of the customers has this ref or id."})
        row = claim(
            self._context,
            wanted.claim,
            [one.row.id for one in wanted.providers],
            wanted.service.row.id if wanted.service else None,
            customer_id,
            held=status == "held",
        )
        if row.booking_id is None:
            problem = refusal(row.outcome, row.facts)
            if status == "cancelled":
                self._leave_out(wanted, f"cancelled, and its time is not there: {problem.detail}")
                return None
            raise row_error(problem, KIND.columns)
        made: UUID = row.booking_id
        try:
            move(self._context, made, wanted.claim, wanted.values)
        except Problem as error:
            raise RowError({"status": error.detail}) from None
        return made

    def _leave_out(self, wanted: _Wanted, why: str) -> None:
        self._context.report.count(KIND.name, "left out")
        self._remarks += 1
        if self._remarks <= REMARKS_MAX:
            place = f"{wanted.file} line {wanted.record.line}"
            self._context.report.remarks.append(f"{place}: left out: {why}")


def _person(cells: Cells, wrong: dict[str, str]) -> Cells:
    names = ("name", "email", "phone")
    told = given({name: cells.pop(f"customer_{name}", None) for name in names})
    try:
        person: Cells = _CUSTOMER.load(told)
    except ValidationError as error:
        found = InvalidRequest(
            {f"customer_{one['field']}": one["message"] for one in invalid(error).members["errors"]}
        )
        wrong.update(wrong_of(found, KIND.columns))
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


def _is_id(ref: str) -> bool:
    try:
        UUID(ref)
    except ValueError:
        return False
    return True
