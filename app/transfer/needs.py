"""Import of needs: who does a service. A service named in the file has the needs of the file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from marshmallow import Schema
from sqlalchemy import func

from app.errors import Problem
from app.records.reading import Record
from app.transfer.cells import given, loaded, typed
from app.transfer.context import Context, Done, require
from app.transfer.directory import Entry, pick
from app.transfer.faults import RowError, row_error
from app.transfer.kinds import KINDS
from app.transfer.watching import CHECKING, IMPORTING
from app.vendors.schemas import NEEDS_MAX, PREFERENCE_MAX, PROVIDERS_MAX, ROLE_MAX
from app.vendors.services import has_needs, replace_needs
from app.wire.fields import Text, whole_number

KIND = KINDS["needs"]


class _RowSchema(Schema):
    need = whole_number(1, NEEDS_MAX, load_default=1)
    role = Text(ROLE_MAX, load_default="provider")
    preference = whole_number(1, PREFERENCE_MAX, load_default=1)


_SCHEMA = _RowSchema()


@dataclass(slots=True)
class _Wanted:
    """The needs of one service: role and providers by number."""

    file: str
    record: Record
    # The service is made by this import.
    new: bool
    roles: dict[int, str] = field(default_factory=dict)
    providers: dict[int, list[tuple[Entry, int]]] = field(default_factory=dict)

    def take(self, provider: Entry, need: int, role: str, preference: int) -> None:
        """One row more. Raises RowError."""
        if any(provider is one for each in self.providers.values() for one, _ in each):
            raise RowError({"provider": "A provider stands once in a service."})
        if self.roles.setdefault(need, role) != role:
            raise RowError({"role": f"Need {need} has the role {self.roles[need]!r} above."})
        filling = self.providers.setdefault(need, [])
        if len(filling) == PROVIDERS_MAX:
            raise RowError({"provider": f"At most {PROVIDERS_MAX} providers for each need."})
        filling.append((provider, preference))

    def needs(self) -> list[dict[str, Any]]:
        """As replace_needs takes them, once the providers are there."""
        return [
            {
                "role": self.roles[need],
                "providers": [
                    {"provider_id": provider.id, "preference": preference}
                    for provider, preference in self.providers[need]
                ],
            }
            for need in sorted(self.roles)
        ]


class NeedRows:
    """The needs of all services that the files name."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._wanted: dict[Entry, _Wanted] = {}

    def check(self) -> None:
        """Gather the rows by service; note what is wrong."""
        for file, record in self._context.rows(KIND, CHECKING):
            try:
                self._check(file, record)
            except RowError as error:
                self._context.faults.add(file, record, error.wrong)
        for entry, wanted in self._wanted.items():
            if sorted(wanted.roles) != list(range(1, len(wanted.roles) + 1)):
                wrong = {"need": "The needs of a service are numbered 1, 2, 3, without a gap."}
                self._context.faults.add(wanted.file, wanted.record, wrong)
            elif self._differ(entry, wanted) and not self._context.update:
                wrong = {"service": "It has other needs: correct the file, or say --update."}
                self._context.faults.add(wanted.file, wanted.record, wrong)

    def _check(self, file: str, record: Record) -> None:
        cells, wrong = typed(KIND, record)
        directory = self._context.directory
        service = pick(directory.services, cells, "service", wrong, needed=True)
        provider = pick(directory.providers, cells, "provider", wrong, needed=True)
        values = loaded(_SCHEMA, given(cells), KIND, wrong)
        require(wrong)
        assert service is not None  # noqa: S101  # Required above.
        assert provider is not None  # noqa: S101
        wanted = self._wanted.setdefault(service, _Wanted(file, record, service.row is None))
        wanted.take(provider, **values)

    def _differ(self, entry: Entry, wanted: _Wanted) -> bool:
        """Whether a service that is there already has other needs."""
        if wanted.new:
            return False
        made = any(one.id is None for each in wanted.providers.values() for one, _ in each)
        return made or not has_needs(self._context.session, entry.row, wanted.needs())

    def apply(self) -> None:
        """Give each service its needs."""
        session = self._context.session
        for entry, wanted in self._wanted.items():
            rows = sum(map(len, wanted.providers.values()))
            try:
                if not wanted.new:
                    session.refresh(entry.row, with_for_update={"key_share": True})
                changed = replace_needs(session, entry.row, wanted.needs())
            except Problem as error:
                wrong = row_error(error, KIND.columns).wrong
                self._context.faults.add(wanted.file, wanted.record, wrong)
                continue
            if changed and not wanted.new:
                entry.row.version += 1
                entry.row.updated_at = func.now()
            done: Done = "made" if wanted.new else "changed" if changed else "unchanged"
            self._context.report.count(KIND.name, done, rows)
            for _ in range(rows):
                self._context.tick(f"{IMPORTING} {KIND.name}")
