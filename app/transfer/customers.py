"""Import of customers: who has exactly these details is there already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from app.customers.schemas import DETAILS, NewCustomerSchema
from app.models import Customer
from app.records.reading import Record
from app.transfer.cells import Cells, given, loaded, typed
from app.transfer.context import Context, require
from app.transfer.faults import RowError
from app.transfer.kinds import KINDS
from app.transfer.refs import Refs, ref_of
from app.transfer.watching import CHECKING

KIND = KINDS["customers"]
BATCH = 1_000
_SCHEMA = NewCustomerSchema()
_MAKE = text("""
    INSERT INTO customers (vendor_id, name, email, phone, note, banned_at)
    VALUES (:vendor_id, :name, :email, :phone, :note, CASE WHEN :banned THEN now() END)
    ON CONFLICT (vendor_id, email, phone, name) WHERE erased_at IS NULL DO NOTHING
    RETURNING id
""")


@dataclass(slots=True)
class _Wanted:
    file: str
    record: Record
    ref: str | None
    values: Cells


class CustomerRows:
    """The customers of the files."""

    def __init__(self, context: Context) -> None:
        self._context = context
        # What is made or changed by this import is of this moment.
        self._began = context.session.scalar(select(func.now()))

    def check(self) -> None:
        """Read every row; note what is wrong."""
        refs = Refs()
        for file, record in self._context.rows(KIND, CHECKING):
            refs.note(file, record)
            try:
                self._read(file, record)
            except RowError as error:
                self._context.faults.add(file, record, error.wrong)
        refs.tell(self._context.faults)

    def _read(self, file: str, record: Record) -> _Wanted:
        cells, wrong = typed(KIND, record)
        ref = ref_of(cells, wrong)
        banned = cells.pop("banned", False if "banned" in cells else None)
        if banned not in {None, True, False}:
            wrong["banned"] = "Must be yes or no."
        values = loaded(_SCHEMA, given(cells), KIND, wrong)
        require(wrong)
        values = {**dict.fromkeys(cells), **values}
        if banned is not None or "banned" in record.cells:
            values["banned"] = bool(banned)
        return _Wanted(file, record, ref, values)

    def apply(self) -> None:
        """Make who is new, change who is different, and keep what they are called."""
        rows = self._context.again(KIND, self._read)
        while batch := list(islice(rows, BATCH)):
            called = [one.ref for one in batch if one.ref is not None]
            known = find_customers(self._context, called)
            refs: dict[str, UUID] = {}
            for wanted in batch:
                try:
                    row_id = self._write(wanted, known)
                except RowError as error:
                    self._context.faults.add(wanted.file, wanted.record, error.wrong)
                    continue
                if wanted.ref is not None:
                    refs[wanted.ref] = known[wanted.ref] = row_id
            self._context.keep_refs(KIND.name, refs)

    def _write(self, wanted: _Wanted, known: dict[str, UUID]) -> UUID:
        values, session = wanted.values, self._context.session
        row_id = known.get(wanted.ref or "")
        if row_id is None:
            details = {name: values.get(name) for name in (*DETAILS, "note")}
            made: UUID | None = session.scalar(
                _MAKE,
                {
                    "vendor_id": self._context.vendor_id,
                    "banned": values.get("banned", False),
                    **details,
                },
            )
            if made is not None:
                self._context.report.count(KIND.name, "made")
                return made
            row_id = self._with_details(details)
        customer = session.get_one(Customer, (self._context.vendor_id, row_id))
        if customer.erased_at is not None:
            raise RowError({"ref": "This person has been erased: leave the row out."})
        different = {
            name: value for name, value in values.items() if _present(customer, name) != value
        }
        if different and customer.updated_at == self._began:
            # Not even --update lets one row of the files overwrite another.
            raise RowError(
                dict.fromkeys(different, "Another row of the files has this person, unlike this.")
            )
        if different and not self._context.update:
            raise RowError(
                dict.fromkeys(different, "Is there already, unlike this: correct it, or --update.")
            )
        if different:
            self._change(customer, different)
        self._context.report.count(KIND.name, "changed" if different else "unchanged")
        # Many come by: none is kept in mind.
        session.flush()
        session.expunge(customer)
        return row_id

    def _with_details(self, details: Cells) -> UUID:
        found: UUID = self._context.session.scalars(
            select(Customer.id).where(
                Customer.vendor_id == self._context.vendor_id,
                Customer.erased_at.is_(None),
                *(getattr(Customer, name) == details[name] for name in DETAILS),
            )
        ).one()
        return found

    def _change(self, customer: Customer, different: Cells) -> None:
        session = self._context.session
        session.refresh(customer, with_for_update={"key_share": True})
        try:
            with session.begin_nested():
                for name, value in different.items():
                    if name == "banned":
                        customer.banned_at = func.now() if value else None
                    else:
                        setattr(customer, name, value)
                customer.version += 1
                customer.updated_at = func.now()
        except IntegrityError:
            raise RowError({"": "Another customer has these details already."}) from None


def find_customers(context: Context, called: list[str]) -> dict[str, UUID]:
    """The customers that were called so by a file, or that have these ids."""
    known = context.kept_refs(KIND.name, called)
    ids = list(_ids(one for one in called if one not in known))
    found = context.session.scalars(
        select(Customer.id).where(Customer.vendor_id == context.vendor_id, Customer.id.in_(ids))
    )
    by_id = {str(one): one for one in found} if ids else {}
    return {**{one: by_id[one.lower()] for one in called if one.lower() in by_id}, **known}


def _ids(called: Iterator[str]) -> Iterator[UUID]:
    for one in called:
        try:
            yield UUID(one)
        except ValueError:
            continue


def _present(customer: Customer, name: str) -> Any:
    return customer.banned_at is not None if name == "banned" else getattr(customer, name)
