"""Makes one demo vendor of its description, by calls of the API inside this process."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask.testing import FlaskClient

from app.demo_vendors.described import Block, Body, Booked, Calendar, DemoVendor, Service

# Within so many days a booking finds its time.
DAYS_TO_FIND = 14
LIMIT = 100


class LoadingError(Exception):
    """A call that must succeed was refused; the message says which, and the answer."""

    def __init__(self, call: str, status: int, answer: str) -> None:
        super().__init__(f"{call}: {status} {answer}")
        self.status = status


class Loading:
    """Calls with the vendor's key, and as its customers; what has been made is found again by name.

    Run again after it was broken off it makes what is missing.
    """

    def __init__(self, client: FlaskClient, vendor: DemoVendor, key: str, now: datetime) -> None:
        self._client, self._vendor, self._now = client, vendor, now
        self._key = {"Authorization": f"Bearer {key}"}
        self._zone = ZoneInfo(vendor.time_zone)
        self._ids: dict[str, str] = {}

    def run(self) -> None:
        """Make all of it. Raises LoadingError."""
        for name, address in self._vendor.locations.items():
            self._once("/locations", {"name": name, "address": address})
        for calendar in self._vendor.calendars:
            self._make_calendar(calendar)
        for service in self._vendor.services:
            self._make_service(service)
        channels = {
            name: [self._ids[place] for place in places]
            for name, places in self._vendor.channels.items()
        }
        self._call("PATCH", "", {**self._vendor.settings, "channels": channels}, self._key)
        for block in self._vendor.blocks:
            self._block(block)
        for number, booked in enumerate(self._vendor.bookings):
            self._book(number, booked)

    def _make_calendar(self, calendar: Calendar) -> None:
        provider = {"name": calendar.name, "location_id": self._ids[calendar.location]}
        path = f"/providers/{self._once('/providers', provider)}"
        for kind, wanted in {
            "schedules": calendar.schedules,
            "exceptions": calendar.exceptions,
        }.items():
            there = self._call("GET", f"{path}/{kind}", None, self._key)["items"]
            for body in wanted[len(there) :]:
                self._call("POST", f"{path}/{kind}", self._dated(body), self._key)

    def _make_service(self, service: Service) -> None:
        needs = [
            {
                "role": role,
                "providers": [
                    {"provider_id": self._ids[name], "preference": preference}
                    for preference, name in enumerate(names, 1)
                ],
            }
            for role, names in service.needs.items()
        ]
        self._once("/services", {**service.body, "needs": needs})

    def _book(self, number: int, booked: Booked) -> None:
        body = {
            "service_id": self._ids[booked.service],
            "quantity": booked.quantity,
            "customer": booked.customer,
            "channel": booked.channel,
            **self._time_of(booked),
        }
        # Customers book without a key; who comes to the desk, or rings up, is booked with it.
        caller = {} if booked.customer else self._key
        made = self._try(number, {name: body[name] for name in body if body[name]}, caller)
        if made and booked.cancelled:
            token = {"Authorization": f"Bearer {made['manage_token']}"}
            path = f"/bookings/{made['id']}/cancel"
            self._call("POST", path, {"reason": booked.cancelled}, token)

    def _time_of(self, booked: Booked) -> Body:
        """The first time that is free, as a booking names it."""
        start = max(self._moment(booked.in_days, 0), self._now)
        window = {
            "from": _written(start),
            "to": _written(start + timedelta(days=DAYS_TO_FIND)),
            "quantity": booked.quantity,
        }
        if booked.provider:
            window["provider_id"] = self._ids[booked.provider]
        if booked.nights is None:
            times = f"/services/{self._ids[booked.service]}/times"
            found = self._call("GET", f"{times}?{urlencode({**window, 'limit': 1})}")["items"]
            if not found:
                return {}
            return {"start": found[0]["start"], "provider_id": window.get("provider_id")}
        nights = self._call("GET", f"/availability?{urlencode(window)}")["items"]
        first = [night for night in nights if night["start"] >= window["from"]]
        return {"slot_ids": [night["slot_id"] for night in first[: booked.nights]]}

    def _block(self, block: Block) -> None:
        start, end = (self._moment(block.in_days, hour) for hour in block.hours)
        body = {
            "provider_id": self._ids[block.provider],
            "start": _written(start),
            "end": _written(end),
            "reason": block.reason,
        }
        self._try(len(self._vendor.bookings), body, self._key, "/blocks")

    def _try(
        self, number: int, body: Body, caller: Body, path: str = "/bookings"
    ) -> dict[str, Any] | None:
        """What is made now or was before; None if the time is taken, or another was found then."""
        key = {"Idempotency-Key": f"demo-vendors-{self._vendor.slug}-{number}"}
        try:
            return self._call("POST", path, body, {**caller, **key})
        except LoadingError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            return None

    def _once(self, path: str, body: Body) -> str:
        """The id of what has this name, which is made if there is none."""
        listed = self._call("GET", f"{path}?limit={LIMIT}")["items"]
        found = [one["id"] for one in listed if one["name"] == body["name"]]
        made: str = found[0] if found else self._call("POST", path, body, self._key)["id"]
        self._ids[body["name"]] = made
        return made

    def _call(
        self, method: str, path: str, body: Body | None = None, headers: Body | None = None
    ) -> dict[str, Any]:
        address = f"/api/v1/vendors/{self._vendor.slug}{path}"
        answer = self._client.open(address, method=method, json=body, headers=headers or {})
        if answer.status_code >= HTTPStatus.BAD_REQUEST:
            told_why = answer.get_data(as_text=True)
            raise LoadingError(f"{method} {address}", answer.status_code, told_why)
        told: dict[str, Any] = answer.get_json()
        return told

    def _dated(self, body: Body) -> Body:
        """Days counted from today become dates."""
        days = ("valid_from", "valid_until", "starts_on", "ends_on")
        return {
            name: self._day(value).isoformat() if name in days else value
            for name, value in body.items()
        }

    def _day(self, in_days: int) -> date:
        return self._now.astimezone(self._zone).date() + timedelta(days=in_days)

    def _moment(self, in_days: int, hour: int) -> datetime:
        return datetime.combine(self._day(in_days), time(hour), self._zone).astimezone(UTC)


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
