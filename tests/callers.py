"""The table of docs/api/callers.md, and a world in which each of its calls can be made."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg

DOCS = Path(__file__).parents[1] / "docs" / "api" / "callers.md"
MONDAY = datetime(2040, 1, 2, tzinfo=UTC)
ADA = {"name": "Ada Lovelace", "email": "ada@example.org"}
PLACE = {"name": "Here", "time_zone": "Europe/Berlin"}
MALFORMED = [
    "Bearer sk_nonsense",
    "Bearer sk_" + "A" * 43,
    "Bearer mt_" + "A" * 70,
    "Bearer op_" + "A" * 43,
    "Basic YWRhOmxvdmVsYWNl",
    "nothing at all",
]
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Row:
    """One line of the table: a call, and what each kind of caller gets."""

    call: str
    cells: dict[str, str]

    @property
    def method(self) -> str:
        return self.call.split(" ")[0]

    @property
    def path(self) -> str:
        return self.call.split(" ")[1]

    @property
    def names(self) -> list[str]:
        """What the path names, beside the vendor."""
        return [name for name in re.findall(r"{(\w+)}", self.path) if name != "vendor"]

    def callers(self, *wanted: str) -> list[str]:
        return [caller for caller, cell in self.cells.items() if cell in wanted]


def read_table(text: str) -> list[Row]:
    """The rows of every table whose first column is called `call`."""
    rows: list[Row] = []
    heading: list[str] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            heading = []
        elif cells[0] == "call":
            heading = cells
        elif heading and not set(line) <= set("|- :"):
            assert len(cells) == len(heading), line
            call = cells[0].strip("`")
            rows.append(Row(call, dict(zip(heading[1:], cells[1:], strict=True))))
    return rows


def at(hours: float) -> str:
    return (MONDAY + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")


@dataclass
class Vendor:
    """A vendor whose things are made as they are needed, through the API."""

    client: httpx.Client
    base: str
    admin: str
    keys: dict[str, str] = field(default_factory=dict)

    def made(self, path: str, body: dict[str, Any], auth: str | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {auth or self.admin}"}
        answer = self.client.post(self.base + path, json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def location(self) -> dict[str, Any]:
        return self.made("/locations", PLACE)

    def provider(self) -> dict[str, Any]:
        return self.made("/providers", {"name": "Alex", "location_id": self.location()["id"]})

    def slot(self) -> dict[str, Any]:
        """A slot of a provider of its own, at an hour of its own."""
        hour = next(_numbers)
        slots = [{"start": at(hour), "end": at(hour + 1), "capacity": 3}]
        return self.made(f"/providers/{self.provider()['id']}/slots", {"slots": slots})["items"][0]

    def booking(self) -> dict[str, Any]:
        """A booking with its manage_token."""
        return self.made("/bookings", {"slot_id": self.slot()["id"], "customer": ADA})

    def block(self) -> dict[str, Any]:
        slot = self.slot()
        wanted = {name: slot[name] for name in ("provider_id", "start", "end")}
        return self.made("/blocks", {**wanted, "reason": "lunch"})

    def service(self) -> dict[str, Any]:
        return self.made("/services", {"name": "Haircut"})

    def customer(self) -> dict[str, Any]:
        return self.made("/customers", {**ADA, "email": f"ada{next(_numbers)}@example.org"})

    def schedule(self) -> dict[str, Any]:
        wanted = {"valid_from": "2090-01-01", "weekly": {"monday": [["09:00", "12:00"]]}}
        return self.made(f"/providers/{self.provider()['id']}/schedules", wanted)

    def exception(self) -> dict[str, Any]:
        closed = {"starts_on": "2090-01-02", "kind": "closed"}
        return self.made(f"/providers/{self.provider()['id']}/exceptions", closed)

    def time_off(self) -> dict[str, Any]:
        return self.made(
            f"/providers/{self.provider()['id']}/time-off", {"starts_on": "2090-01-02"}
        )

    def key(self) -> dict[str, Any]:
        return self.made("/keys", {"name": "one more", "scope": "read"})


# How to make what a path names. The right token is that of the booking the path names.
MAKERS: dict[str, Callable[[Vendor], dict[str, Any]]] = {
    "block_id": Vendor.block,
    "booking_id": Vendor.booking,
    "customer_id": Vendor.customer,
    "exception_id": Vendor.exception,
    "key_id": Vendor.key,
    "location_id": Vendor.location,
    "provider_id": Vendor.provider,
    "schedule_id": Vendor.schedule,
    "service_id": Vendor.service,
    "slot_id": Vendor.slot,
    "time_off_id": Vendor.time_off,
}
# What a path can name without its being made.
THERE = {"filename": "docs/start.js", "page": "errors"}
# What lists must be asked.
QUERY = {"from": at(0), "to": at(48), "date": "2040-01-02"}


def _block(vendor: Vendor) -> dict[str, Any]:
    slot = vendor.slot()
    return {**{name: slot[name] for name in ("provider_id", "start", "end")}, "reason": "closed"}


# A good body for a call: whoever may make it then gets a success, and not merely no 401 or 403.
BODIES: dict[str, Callable[[Vendor], Any]] = {
    "POST /api/v1/vendors": lambda _: {"slug": f"new-{next(_numbers)}", **PLACE},
    "PATCH /api/v1/vendors/{vendor}": lambda _: {"name": f"Name {next(_numbers)}"},
    "POST /api/v1/vendors/{vendor}/blocks": _block,
    "POST /api/v1/vendors/{vendor}/bookings": lambda vendor: {
        "slot_id": vendor.slot()["id"],
        "customer": ADA,
    },
    "PATCH /api/v1/vendors/{vendor}/bookings/{booking_id}": lambda _: {"guests": 2},
    "POST /api/v1/vendors/{vendor}/bookings/{booking_id}/cancel": lambda _: {},
    "POST /api/v1/vendors/{vendor}/bookings/{booking_id}/confirm": lambda _: {},
    "POST /api/v1/vendors/{vendor}/bookings/{booking_id}/manage-token": lambda _: {},
    "POST /api/v1/vendors/{vendor}/customers": lambda _: {
        "name": "Grace",
        "email": f"grace{next(_numbers)}@example.org",
    },
    "PATCH /api/v1/vendors/{vendor}/customers/{customer_id}": lambda _: {"name": "Grace"},
    "POST /api/v1/vendors/{vendor}/keys": lambda _: {"name": "made", "scope": "read"},
    "POST /api/v1/vendors/{vendor}/locations": lambda _: PLACE,
    "PATCH /api/v1/vendors/{vendor}/locations/{location_id}": lambda _: {"name": "There"},
    "POST /api/v1/vendors/{vendor}/providers": lambda vendor: {
        "name": "Kim",
        "location_id": vendor.location()["id"],
    },
    "PATCH /api/v1/vendors/{vendor}/providers/{provider_id}": lambda _: {"name": "Kim"},
    "POST /api/v1/vendors/{vendor}/providers/{provider_id}/slots": lambda _: {
        "slots": [{"start": at(1), "end": at(2)}]
    },
    "POST /api/v1/vendors/{vendor}/providers/{provider_id}/schedules": lambda _: {
        "valid_from": "2090-01-01",
        "weekly": {},
    },
    "PATCH /api/v1/vendors/{vendor}/schedules/{schedule_id}": lambda _: {"capacity": 2},
    "POST /api/v1/vendors/{vendor}/providers/{provider_id}/exceptions": lambda _: {
        "starts_on": "2090-01-01",
        "kind": "closed",
    },
    "PATCH /api/v1/vendors/{vendor}/exceptions/{exception_id}": lambda _: {"reason": "Stocktaking"},
    "POST /api/v1/vendors/{vendor}/providers/{provider_id}/time-off": lambda _: {
        "starts_on": "2090-01-01",
    },
    "POST /api/v1/vendors/{vendor}/providers/{provider_id}/calendar": lambda _: (
        "BEGIN:VCALENDAR\nEND:VCALENDAR\n"
    ),
    "PATCH /api/v1/vendors/{vendor}/time-off/{time_off_id}": lambda _: {"reason": "Leave"},
    "POST /api/v1/vendors/{vendor}/services": lambda _: {"name": "Yoga"},
    "PATCH /api/v1/vendors/{vendor}/services/{service_id}": lambda _: {"name": "Yoga"},
    "PATCH /api/v1/vendors/{vendor}/slots/{slot_id}": lambda _: {"capacity": 2},
}


@dataclass(frozen=True)
class Scene:
    """A call with the things that it names, and the token of the booking that it names, if any."""

    row: Row
    ids: dict[str, str]
    body: dict[str, Any] | None
    token: str


@dataclass(frozen=True)
class Door:
    """What stands before the calls: a vendor and another one, and everybody's credentials."""

    client: httpx.Client
    vendor: Vendor
    other: Vendor
    operators: tuple[str, str]
    bookings: tuple[dict[str, Any], dict[str, Any]]
    spec: dict[str, Any]

    def scene(self, row: Row) -> Scene:
        """What a call names has been made, and a body for it."""
        things = {name: MAKERS[name](self.vendor) for name in row.names if name not in THERE}
        ids = {name: thing["id"] for name, thing in things.items()}
        body = None
        if row.method in {"POST", "PATCH"}:
            body = BODIES.get(row.call, lambda _: {})(self.vendor)
        booking = things["booking_id"] if "booking_id" in things else self.bookings[0]
        return Scene(row, ids, body, booking["manage_token"])

    def requests(self, scene: Scene, caller: str) -> list[httpx.Request]:
        """The call by a kind of caller: several where there are several of the kind."""
        if caller == "nobody":
            return [self.request(scene, None)]
        if caller == "malformed":
            return [self.request(scene, text) for text in MALFORMED]
        texts = {
            "own token": [scene.token],
            "other token": [self.bookings[1]["manage_token"]],
            "other vendor": [self.other.admin],
            "revoked": [self.vendor.keys["revoked"], self.operators[1]],
            "operator": [self.operators[0]],
            **{scope: [self.vendor.keys[scope]] for scope in ("read", "write", "admin")},
        }[caller]
        return [self.request(scene, f"Bearer {text}") for text in texts]

    def request(self, scene: Scene, authorization: str | None) -> httpx.Request:
        row = scene.row
        slug = self.vendor.base.rpartition("/")[2]
        path = row.path.format(**{"vendor": slug, **THERE, **scene.ids})
        described = self.spec["paths"].get(row.path, {}).get(row.method.lower(), {})
        query = {
            one["name"]: QUERY[one["name"]]
            for one in described.get("parameters", [])
            if one["in"] == "query" and one.get("required")
        }
        text = isinstance(scene.body, str)
        return self.client.build_request(
            row.method,
            path,
            params=query,
            **({"content": scene.body} if text else {"json": scene.body}),
            headers=({"Content-Type": "text/calendar"} if text else {})
            | ({} if authorization is None else {"Authorization": authorization}),
        )

    def send(self, request: httpx.Request) -> httpx.Response:
        return self.client.send(request)


def state(owner: psycopg.Connection) -> dict[str, str]:
    """What the database holds, table by table; when a key was last used does not count."""
    tables = owner.execute("""
        SELECT c.relname FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    """).fetchall()
    return {
        table: owner.execute(
            "SELECT md5(coalesce(string_agg(t.row, E'\\n' ORDER BY t.row), '')) FROM"
            f" (SELECT (to_jsonb(r) - 'last_used_at')::text AS row FROM {table} r) t"
        ).fetchone()[0]
        for (table,) in tables
    }
