"""A vendor of each test's own, on one server that all these tests share."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from flask import Flask

from app.auth.keys import create_key
from app.auth.operator_keys import create_operator_key
from app.config import Settings
from app.db import db, offline_app
from app.vendors.actions import create_vendor
from tests.described import World

# A Monday far enough ahead that no test ever runs into the past.
MONDAY = datetime(2040, 1, 2, tzinfo=UTC)
ADA = {"name": "Ada Lovelace", "email": "ada@example.org"}
_numbers = itertools.count(1)


def at(hour: float, day: int = 0) -> str:
    """The moment `hour` hours into a day counted from MONDAY."""
    return (MONDAY + timedelta(days=day, hours=hour)).isoformat().replace("+00:00", "Z")


class Api:
    """Calls on one vendor: as anybody, or with credentials (`vendor.key` is the vendor's)."""

    def __init__(self, client: httpx.Client, slug: str, key: str) -> None:
        self.client, self.slug, self.key = client, slug, key
        self.base = f"/api/v1/vendors/{slug}"

    def call(
        self, method: str, path: str, json: Any = None, auth: str | None = None, **headers: str
    ) -> httpx.Response:
        """`headers` in Python's spelling: idempotency_key="…", if_match="…"."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if auth is not None:
            sent["Authorization"] = f"Bearer {auth}"
        return self.client.request(method, self.base + path, json=json, headers=sent)

    def get(self, path: str, auth: str | None = None, **headers: str) -> httpx.Response:
        return self.call("GET", path, auth=auth, **headers)

    def post(
        self, path: str, json: Any = None, auth: str | None = None, **headers: str
    ) -> httpx.Response:
        return self.call("POST", path, json, auth, **headers)

    def made(self, path: str, json: Any) -> dict[str, Any]:
        """What a vendor's POST made."""
        answer = self.post(path, json, self.key)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def location(self, **values: Any) -> dict[str, Any]:
        return self.made("/locations", {"name": "Here", "time_zone": "Europe/Berlin", **values})

    def provider(self, **values: Any) -> dict[str, Any]:
        if "location_id" not in values:
            values["location_id"] = self.location()["id"]
        return self.made("/providers", {"name": "Alex", **values})

    def service(self, **values: Any) -> dict[str, Any]:
        return self.made("/services", {"name": "Haircut", **values})

    def slots(self, *times: tuple[float, float], **values: Any) -> list[dict[str, Any]]:
        """Slots from hour to hour of MONDAY, of a new provider unless `provider_id` is given."""
        provider_id = values.pop("provider_id", None) or self.provider()["id"]
        wanted = [{"start": at(start), "end": at(end), **values} for start, end in times]
        return self.made(f"/providers/{provider_id}/slots", {"slots": wanted})["items"]

    def slot(self, start: float = 9, end: float = 10, **values: Any) -> dict[str, Any]:
        return self.slots((start, end), **values)[0]

    def booked(self, auth: str | None = None, **wanted: Any) -> dict[str, Any]:
        """A booking that was made, with its manage_token."""
        answer = self.post("/bookings", {"customer": ADA, **wanted}, auth)
        assert answer.status_code == 201, answer.text
        return answer.json()


@pytest.fixture(scope="session")
def client(shared_server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=shared_server.url, trust_env=False, timeout=30) as opened:
        yield opened


@pytest.fixture(scope="session")
def offline(shared_server) -> Iterator[Flask]:
    """The context in which commands reach the shared server's database."""
    settings = Settings.from_environment({"DATABASE_URL": shared_server.database.app_url})
    app = offline_app(settings)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def door(database) -> Iterator[Flask]:
    """The context in which commands reach this test's own database."""
    app = offline_app(Settings.from_environment({"DATABASE_URL": database.app_url}))
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def new_vendor(client, offline) -> Callable[[], Api]:
    """Make a vendor with a key."""

    def make() -> Api:
        slug = f"vendor-{next(_numbers)}"
        with offline.app_context():
            vendor = create_vendor(slug, "A vendor", "Europe/Berlin")
            key = create_key(vendor.id, "tests")[1]
        return Api(client, slug, key)

    return make


@pytest.fixture
def vendor(new_vendor) -> Api:
    """A vendor that has nothing yet."""
    return new_vendor()


@pytest.fixture
def problem() -> Callable[..., dict[str, Any]]:
    """Assert that an answer is the problem document of a code, and return it."""

    def check(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
        body = answer.json()
        assert (answer.status_code, body.get("code")) == (status, code), answer.text
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert body["status"] == status
        assert body["type"].endswith(f"/docs/errors#{code.lower()}")
        assert body["title"]
        assert body["detail"]
        assert body["hint"]
        assert isinstance(body["retryable"], bool)
        assert body["request_id"] == answer.headers["X-Request-Id"]
        return body

    return check


@pytest.fixture(scope="session")
def spec(client) -> dict[str, Any]:
    """The description of the API."""
    return client.get("/api/v1/openapi.json").json()


@pytest.fixture(scope="session")
def world(client, offline) -> World:
    """A vendor with one of everything, for tests that leave it as it is."""
    with offline.app_context():
        vendor = create_vendor("world", "A vendor", "Europe/Berlin")
        key = create_key(vendor.id, "tests", "admin")[1]
        operator = create_operator_key("tests")[1]
    return World(Api(client, "world", key), operator)
