"""Import of bookings and blocks, each through the function that everybody books with."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app import db
from app.errors.refusals import refusal
from app.transfer.booking_records import KIND, OVER, Wanted, read_booking
from app.transfer.claiming import Asked, Reached, claim_all, move_all
from app.transfer.context import CHANGED, Context
from app.transfer.customers import find_customers
from app.transfer.directory import Entry
from app.transfer.faults import RowError, row_error
from app.transfer.refs import Refs
from app.transfer.watching import CHECKING, IMPORTING

# What is sent for so many fits into the buffers of a socket, so that the database is at work on one
# batch while the next one is read.
BATCH = 200
REMARKS_MAX = 20
MORE = (
    "the block of it is there, and more of its time has been published since: imports change no"
    " bookings"
)
# OFFSET 0: a search by key for each. Made by this transaction: new.
_THERE = text("""
    SELECT b.id, b.provider_id, lower(b.during) AS start, upper(b.during) AS end, b.quantity,
           b.kind, b.created_at = now() AS new, b.occupying AND NOT lapsed AS occupying,
           CASE WHEN lapsed THEN 'expired' ELSE b.status END AS status
    FROM unnest(CAST(:ids AS uuid[])) AS wanted (id)
    CROSS JOIN LATERAL (
        SELECT *, status = 'held' AND hold_expires_at <= clock_timestamp() AS lapsed
        FROM bookings WHERE vendor_id = :vendor_id AND id = wanted.id OFFSET 0) AS b
""")
# Whether more is published of the row's time than its block has.
_MORE = text("""
    SELECT EXISTS (
        SELECT FROM slots s
        WHERE s.vendor_id = :vendor_id AND s.provider_id = :provider_id
          AND s.during && tstzrange(:start, :end)
          AND NOT s.during * tstzrange(:start, :end) <@ tstzrange(:there_start, :there_end))
""")


class Twins:
    """Numbers rows without a ref that say the same: the first, the second, and so on.

    Remembers eight bytes of a row, and more only of those that are the second or later.
    """

    def __init__(self) -> None:
        self._noted = array("q")
        self._later: dict[int, int] | None = None

    def note(self, said: tuple[Any, ...] | None) -> None:
        """The next row, in the order of the files; None: it has a ref."""
        self._noted.append(0 if said is None else hash(said))

    def number(self, index: int) -> int:
        """Which one of its like the row is, from 1; asked once all are noted."""
        if self._later is None:
            ordered = array("q", sorted(self._noted))
            pairs = zip(ordered, islice(ordered, 1, None), strict=False)
            seen = dict.fromkeys((one for one, next_one in pairs if one == next_one and one), 0)
            self._later = {}
            for i, one in enumerate(self._noted if seen else ()):
                if one in seen:
                    seen[one] += 1
                    self._later[i] = seen[one]
        return self._later.get(index, 1)


class BookingRows:
    """The bookings of the files: first those that hold no place any more, then those that do."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._concerned: set[Entry] = set()
        self._from, self._to = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)
        # Of each row whether it will hold its place: what is for the other turn is not read twice.
        self._occupying = bytearray()
        self._twins = Twins()
        self._ahead: Iterator[Wanted] = iter(())
        self._batch: list[Wanted] = []
        self._remarks = 0

    def check(self) -> None:
        """Read every row; note what is wrong, and which slots it is about."""
        refs = Refs()
        for file, record in self._context.rows(KIND, CHECKING):
            refs.note(file, record)
            try:
                wanted = read_booking(self._context.directory, file, record)
            except RowError as error:
                self._context.faults.add(file, record, error.wrong)
                continue
            self._occupying.append(wanted.occupying)
            # By who they are here: those that are only about to be made have no ids yet.
            said = wanted.said + wanted.meant
            named = (id(wanted.providers[0]), *said, id(wanted.service))
            self._twins.note(named if wanted.ref is None else None)
            self._concerned.update(wanted.providers)
            self._from = min(self._from, wanted.claim.start - timedelta(days=1))
            self._to = max(self._to, wanted.claim.end + timedelta(days=1))
        refs.tell(self._context.faults)

    def lock(self, providers: set[Entry], times: list[tuple[datetime, datetime]]) -> None:
        """Lock all slots that the bookings are about, in everybody's order, before any claim; and
        those of other providers and times.
        """
        known = [one.id for one in self._concerned | providers if one.id is not None]
        for start, end in times:
            self._from, self._to = min(self._from, start), max(self._to, end)
        if known:
            db.call(
                "lock_slots_between",
                within=self._context.session,
                p_vendor_id=self._context.vendor_id,
                p_provider_ids=known,
                p_from=self._from,
                p_to=self._to,
            )

    def apply(self) -> None:
        """Book them. Cancelled ones first: they are claimed and cancelled, and free again."""
        for occupying in (False, True):
            self._ahead = self._rows(occupying=occupying)
            self._read_ahead()
            while batch := self._batch:
                self._batch = []
                self._apply(batch)
                self._read_ahead()
                self._settle()

    def _read_ahead(self) -> None:
        """Have the next batch, if it is not there already."""
        if not self._batch:
            self._batch = list(islice(self._ahead, BATCH))

    def _settle(self) -> None:
        """Ask now what the commit asks of every booking: at the end all of it would take longer
        than a statement may, and much memory until then.
        """
        self._context.session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        self._context.session.execute(text("SET CONSTRAINTS ALL DEFERRED"))

    def _rows(self, *, occupying: bool) -> Iterator[Wanted]:
        """The rows of this turn, each with a ref: made of what it says where the file has none."""
        if occupying not in self._occupying:
            return
        for index, (file, record) in enumerate(self._context.rows(KIND)):
            if index >= len(self._occupying):
                self._context.faults.add(file, record, {"": CHANGED})
                return
            if bool(self._occupying[index]) != occupying:
                continue
            try:
                wanted = read_booking(self._context.directory, file, record)
            except RowError:
                self._context.faults.add(file, record, {"": CHANGED})
                return
            if wanted.ref is None:
                wanted.ref = f"#{_key(wanted)}-{self._twins.number(index)}"
            yield wanted
            self._context.tick(f"{IMPORTING} {KIND.name}")

    def _apply(self, batch: list[Wanted]) -> None:
        there = self._there([str(one.ref) for one in batch])
        called = {one.customer for one in batch if one.customer is not None}
        customers = find_customers(self._context, sorted(called))
        new: list[tuple[Wanted, Asked]] = []
        named: set[str] = set()
        for wanted in batch:
            try:
                row = there.get(str(wanted.ref))
                if str(wanted.ref) in named or (row is not None and row.new):
                    raise RowError({"ref": "Two rows of the files have this ref."})  # noqa: TRY301
                if row is not None:
                    self._require_alike(wanted, row)
                    if row.occupying and wanted.occupying and self._is_more(wanted, row):
                        self._leave_out(wanted, MORE)
                    else:
                        self._require_held(wanted, row)
                elif not self._is_over(wanted):
                    new.append((wanted, self._asked(wanted, customers)))
                    named.add(str(wanted.ref))
            except RowError as error:
                self._fault(wanted, error.wrong)
        self._book(new)

    def _there(self, refs: list[str]) -> dict[str, Any]:
        """The bookings that are called so, with whether this import has made them."""
        known = self._context.kept_refs(KIND.name, refs)
        ids = {one: UUID(one) for one in refs if one not in known and _is_id(one)} | known
        rows = {
            row.id: row
            for row in self._context.session.execute(
                _THERE, {"vendor_id": self._context.vendor_id, "ids": list(ids.values())}
            )
        }
        return {ref: rows[row_id] for ref, row_id in ids.items() if row_id in rows}

    def _require_alike(self, wanted: Wanted, row: Any) -> None:
        there = row.provider_id, (row.start, row.end, row.quantity, row.kind)
        said = wanted.providers[0].row.id, wanted.said
        if said == there:
            return
        start, end, quantity, kind = wanted.said
        # A block takes what is published of its time, and so may be less than its row says.
        part = kind == "block" and start <= row.start and row.end <= end
        if part and (said[0], quantity, kind) == (row.provider_id, row.quantity, row.kind):
            return
        called = "of this ref" if wanted.record.cells.get("ref") else "that this row made"
        raise RowError(
            {
                "ref": f"There is a booking {called} already, of another provider, time,"
                " quantity or kind: imports change no bookings."
            }
        )

    def _is_more(self, wanted: Wanted, row: Any) -> bool:
        """Whether the row wants time that is published, and that its block does not have."""
        start, end, *_ = wanted.said
        return (row.start, row.end) != (start, end) and bool(
            self._context.session.scalar(
                _MORE,
                {
                    "vendor_id": self._context.vendor_id,
                    "provider_id": row.provider_id,
                    "start": start,
                    "end": end,
                    "there_start": row.start,
                    "there_end": row.end,
                },
            )
        )

    def _require_held(self, wanted: Wanted, row: Any) -> None:
        """Nobody who has a place by the file is passed over where none is kept for them here."""
        status = wanted.values["status"]
        if wanted.occupying == row.occupying and (row.status != "held" or status == "held"):
            self._context.report.count(KIND.name, "unchanged")
        elif wanted.occupying and status != "held":
            raise RowError(
                {
                    "status": f"Has been imported, and is {row.status} here since: imports change"
                    " no bookings. Bring it to its status here, or leave the row out."
                }
            )
        else:
            self._leave_out(wanted, f"{status}, and {row.status} here: imports change no bookings")

    def _is_over(self, wanted: Wanted) -> bool:
        """Whether the row holds no place and never will again, and so is left out."""
        status, until = wanted.values["status"], wanted.claim.until
        lapsed = status == "held" and until is not None and until <= datetime.now(UTC)
        if status not in OVER and not lapsed:
            return False
        self._leave_out(wanted, f"{status} bookings hold no place")
        return True

    def _asked(self, wanted: Wanted, customers: dict[str, UUID]) -> Asked:
        customer_id = customers.get(wanted.customer) if wanted.customer else None
        if wanted.customer and customer_id is None:
            raise RowError({"customer": "None of the customers has this ref or id."})
        return Asked(
            wanted.claim,
            [one.row.id for one in wanted.providers],
            wanted.service.row.id if wanted.service else None,
            customer_id,
            held=wanted.values["status"] == "held",
        )

    def _book(self, new: list[tuple[Wanted, Asked]]) -> None:
        """Claim them and bring them to their status. What is cancelled makes room for the next."""
        turns = [new] if new and new[0][0].occupying else [[one] for one in new]
        refs: dict[str, UUID] = {}
        for turn in turns:
            rows = claim_all(self._context, [asked for _, asked in turn], self._read_ahead)
            made = [
                (wanted, Reached(row.booking_id, wanted.claim.start, wanted.values))
                for (wanted, _), row in zip(turn, rows, strict=True)
                if row.booking_id is not None or self._refuse(wanted, row)
            ]
            refused = move_all(self._context, [reached for _, reached in made])
            for (wanted, reached), error in zip(made, refused, strict=True):
                if error is not None:
                    self._fault(wanted, {"status": error.detail})
                    continue
                refs[str(wanted.ref)] = reached.booking_id
                self._context.report.count(KIND.name, "made")
            self._context.grew(len(made))
        self._context.keep_refs(KIND.name, refs)

    def _refuse(self, wanted: Wanted, row: db.Row) -> bool:
        """Note why it was not booked; False, always."""
        problem = refusal(row.outcome, row.facts)
        if wanted.values["status"] == "cancelled":
            self._leave_out(wanted, f"cancelled, and its time is not there: {problem.detail}")
        else:
            self._fault(wanted, row_error(problem, KIND.columns).wrong)
        return False

    def _fault(self, wanted: Wanted, wrong: Mapping[str, str]) -> None:
        self._context.faults.add(wanted.file, wanted.record, wrong)

    def _leave_out(self, wanted: Wanted, why: str) -> None:
        self._context.report.count(KIND.name, "left out")
        self._remarks += 1
        if self._remarks <= REMARKS_MAX:
            place = f"{wanted.file} line {wanted.record.line}"
            self._context.report.remarks.append(f"{place}: left out: {why}")


def _key(wanted: Wanted) -> str:
    """What the row says, in few characters; what says the same, in whatever file, has the same."""
    service = wanted.service and wanted.service.row.id
    said = str(wanted.providers[0].row.id), *wanted.said, str(service), *wanted.meant
    return hashlib.sha256(repr(said).encode()).digest()[:15].hex()


def _is_id(ref: str) -> bool:
    try:
        UUID(ref)
    except ValueError:
        return False
    return True
