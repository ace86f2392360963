"""Every call that the API's description names, and a vendor at which each of them can be made."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from app.wire.examples import IDS, VENDOR

ADA = {"name": "Ada Lovelace", "email": "ada@example.org"}
DAY = "2031-03-0{}T{:02}:00:00Z"


@dataclass(frozen=True)
class Operation:
    """One call: its method, its path with names in braces, and what the description says of it."""

    method: str
    path: str
    described: dict[str, Any]

    @property
    def name(self) -> str:
        return self.described["operationId"]

    @property
    def body(self) -> dict[str, Any] | None:
        """The media type object of the JSON it takes; None where it takes none."""
        content = self.described.get("requestBody", {}).get("content", {})
        return content.get("application/json")

    @property
    def text(self) -> tuple[str, str] | None:
        """The media type and example of a body that is no JSON; None where it takes none."""
        content = self.described.get("requestBody", {}).get("content", {})
        return next(((k, one["example"]) for k, one in content.items() if "json" not in k), None)

    def parameters(self, where: str) -> dict[str, dict[str, Any]]:
        """Its parameters in `query` or `header`, by name."""
        return {
            one["name"]: one for one in self.described.get("parameters", []) if one["in"] == where
        }

    @property
    def success(self) -> int:
        return int(min(self.described["responses"]))


def operations(spec: dict[str, Any]) -> Iterator[Operation]:
    """All calls of a description."""
    for path, item in spec["paths"].items():
        for method, described in item.items():
            if method != "parameters":
                yield Operation(method.upper(), path, described)


def _schedule(api: Any, provider_id: str) -> dict[str, str]:
    """A schedule, an exception and time off, far enough ahead that they change nothing."""
    path, far = f"/providers/{provider_id}", "2090-01-01"
    schedule = {"valid_from": far, "weekly": {"sunday": [["09:00", "12:00"]]}, "slot_minutes": 30}
    closed = {"starts_on": far, "kind": "closed"}
    return {
        "schedule": api.made(f"{path}/schedules", schedule)["id"],
        "exception": api.made(f"{path}/exceptions", closed)["id"],
        "time_off": api.made(f"{path}/time-off", {"starts_on": far})["id"],
    }


class World:
    """A vendor that has one of everything, and whoever may call, on a running server.

    `api` makes the vendor's calls. What the description's examples call by its well-known id is
    there under an id of its own: `real` puts the one in the place of the other.
    """

    def __init__(self, api: Any, operator_key: str) -> None:
        self.api, self.operator_key = api, operator_key
        location = api.made("/locations", {"name": "Here", "time_zone": "Europe/Berlin"})
        provider = api.made("/providers", {"name": "Alex", "location_id": location["id"]})
        times = [(DAY.format(3, 11), DAY.format(3, 17)), (DAY.format(5, 9), DAY.format(5, 17))]
        times += [("2020-03-05T09:00:00Z", "2020-03-05T10:00:00Z")]
        slots = [{"start": start, "end": end, "capacity": 12} for start, end in times]
        published = api.made(f"/providers/{provider['id']}/slots", {"slots": slots})["items"]
        past, slot, _ = published
        closed = {"start": DAY.format(5, 9), "end": DAY.format(5, 10)}
        booking = {"slot_id": past["id"], "customer": ADA}
        made = api.post("/bookings", booking, api.key).json()
        self.ids = {
            "location": location["id"],
            "provider": provider["id"],
            "service": api.made("/services", {"name": "Haircut"})["id"],
            "slot": slot["id"],
            "booking": made["id"],
            # One of its own, since a customer is joined by whoever books with the same details.
            "customer": api.made("/customers", {"name": f"Customer {uuid.uuid4()}"})["id"],
            "block": api.made("/blocks", {"provider_id": provider["id"], **closed})["id"],
            "key": api.made("/keys", {"name": "another", "scope": "read"})["id"],
            **_schedule(api, provider["id"]),
        }

    def real(self, example: Any) -> Any:
        """The example with ids that exist here."""
        text = json.dumps(example).replace(f'"{VENDOR}"', f'"{self.api.slug}"')
        for kind, known in IDS.items():
            text = text.replace(known, self.ids[kind])
        return json.loads(text)

    def address(self, operation: Operation) -> str:
        """The path of the call, with ids that exist here."""
        names = {"vendor": self.api.slug, **{f"{kind}_id": one for kind, one in self.ids.items()}}
        return re.sub(r"\{(\w+)\}", lambda found: names[found[1]], operation.path)

    def headers(self, operation: Operation) -> dict[str, str]:
        """The most that is needed of credentials."""
        schemes = [scheme for one in operation.described["security"] for scheme in one]
        if "api_key" in schemes:
            return {"Authorization": f"Bearer {self.api.key}"}
        return {"Authorization": f"Bearer {self.operator_key}"} if schemes else {}

    def query(self, operation: Operation) -> dict[str, Any]:
        """The examples of the parameters that the call needs."""
        described = operation.parameters("query").items()
        return self.real({name: one["example"] for name, one in described if one.get("required")})

    def call(self, operation: Operation, **changed: Any) -> httpx.Response:
        """The call as its example has it but for what is `changed`: json, params, headers, …"""
        sent: dict[str, Any] = {"params": self.query(operation)}
        if operation.body is not None:
            sent["json"] = self.real(operation.body["example"])
            if "slug" in sent["json"]:
                # A vendor's name is taken once and for all, on a server that others use as well.
                sent["json"]["slug"] += f"-{uuid.uuid4().hex[:8]}"
        if operation.text is not None and "json" not in changed:
            kind, text = operation.text
            changed.setdefault("content", text)
            changed["headers"] = {"Content-Type": kind, **changed.get("headers", {})}
        if "content" in changed:
            sent.pop("json", None)
        headers = {**self.headers(operation), **changed.pop("headers", {})}
        method = changed.pop("method", operation.method)
        sent |= changed
        return self.api.client.request(method, self.address(operation), headers=headers, **sent)
