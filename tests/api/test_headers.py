"""The headers of every answer, and pages of other sites that embed the API."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.conftest import _serve

SITE, STRANGER = "https://shop.example", "https://evil.example"


@pytest.fixture(scope="module")
def embedded(module_database, tmp_path_factory):
    """A server that pages of other sites may embed."""
    log = tmp_path_factory.mktemp("server") / "log"
    origins = f"{SITE}, http://localhost:3000"
    with _serve(module_database, log, SLOTKEEPER_CORS_ORIGINS=origins) as server:
        yield server


@pytest.fixture
def site(embedded):
    """A client, where the vendor's calls begin, and a key, on the server that pages may embed."""
    with httpx.Client(base_url=embedded.url, trust_env=False, timeout=30) as client:
        yield client, f"/api/v1/vendors/{embedded.vendor}", embedded.api_key


def _preflight(client, path, origin, method="POST"):
    return client.options(
        path,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
        },
    )


def test_every_answer_has_the_security_headers(site):
    client, base, key = site
    answers = [
        client.get("/healthz"),
        client.get("/metrics"),
        client.get("/docs"),
        client.get("/docs/errors"),
        client.get("/static/docs/start.js"),
        client.get("/api/v1/openapi.json"),
        client.get(base),
        client.get(f"{base}/bookings", headers={"Authorization": f"Bearer {key}"}),
        client.get("/nothing/here"),
        client.delete("/healthz"),
        client.post(f"{base}/bookings", content=b"{"),
        client.options(base),
    ]
    for answer in answers:
        where = answer.request.url.path
        assert answer.headers["X-Content-Type-Options"] == "nosniff", where
        assert answer.headers["Referrer-Policy"] == "no-referrer", where
        assert answer.headers["X-Frame-Options"] == "DENY", where
        policy = answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy, where
        assert "unsafe-eval" not in policy
        assert "script-src" not in policy or "unsafe-inline" not in policy
        assert "Access-Control-Allow-Credentials" not in answer.headers


def test_the_documentation_page_needs_nothing_that_its_policy_forbids(site):
    client, _, _ = site
    page = client.get("/docs")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    # No inline script or handler, and everything it loads comes from here.
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=", page.text)
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert loaded
    for address in loaded:
        assert address.startswith("/"), address
        assert client.get(address).status_code == 200, address


def test_what_is_private_or_changes_by_the_second_is_not_stored(site):
    client, base, key = site
    mine = {"Authorization": f"Bearer {key}"}
    place = client.post(f"{base}/locations", json={"name": "H", "time_zone": "UTC"}, headers=mine)
    assert place.status_code == 201, place.text
    for path, headers in [
        ("/services", {}),
        ("/locations", mine),
        (f"/locations/{place.json()['id']}", mine),
        ("/availability?from=2040-01-01T00:00:00Z&to=2040-01-02T00:00:00Z", {}),
        ("/slots?from=2040-01-01T00:00:00Z&to=2040-01-02T00:00:00Z", mine),
    ]:
        answer = client.get(base + path, headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Cache-Control"] == "no-store", path


def test_a_page_of_an_allowed_site_may_call_and_read(site):
    client, base, _ = site
    allowed = _preflight(client, f"{base}/bookings", SITE)
    assert (allowed.status_code, allowed.content) == (204, b"")
    assert allowed.headers["Access-Control-Allow-Origin"] == SITE
    assert {"POST"} <= set(allowed.headers["Access-Control-Allow-Methods"].split(", "))
    wanted = allowed.headers["Access-Control-Allow-Headers"].lower()
    assert {"authorization", "content-type", "idempotency-key"} <= set(wanted.split(", "))
    assert int(allowed.headers["Access-Control-Max-Age"]) > 0
    refused = client.post(f"{base}/bookings", json={}, headers={"Origin": SITE})
    assert refused.status_code == 400
    assert refused.headers["Access-Control-Allow-Origin"] == SITE
    assert "Origin" in refused.headers["Vary"]
    assert "Retry-After" in refused.headers["Access-Control-Expose-Headers"]


def test_a_preflight_names_the_methods_of_the_address(site):
    client, base, _ = site
    answer = _preflight(client, base, SITE, "GET")
    assert "POST" not in answer.headers["Access-Control-Allow-Methods"].split(", ")
    assert "GET" in answer.headers["Access-Control-Allow-Methods"].split(", ")


def test_a_page_of_another_site_is_not_let_in(site):
    client, base, _ = site
    for answer in (
        _preflight(client, f"{base}/bookings", STRANGER),
        _preflight(client, f"{base}/bookings", SITE + ".evil.example"),
        _preflight(client, f"{base}/bookings", "null"),
        client.get(base, headers={"Origin": STRANGER}),
    ):
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Origin" in answer.headers["Vary"]


def test_outside_the_api_no_page_is_let_in(site):
    client, _, _ = site
    for path in ("/healthz", "/metrics", "/docs"):
        assert (
            "Access-Control-Allow-Origin" not in client.get(path, headers={"Origin": SITE}).headers
        )


def test_all_sites_may_be_let_in_and_then_without_credentials(serve):
    server = serve(SLOTKEEPER_CORS_ORIGINS="*", SLOTKEEPER_PUBLIC_URL="https://book.example")
    with httpx.Client(base_url=server.url, trust_env=False) as client:
        base = f"/api/v1/vendors/{server.vendor}"
        for answer in (
            _preflight(client, f"{base}/bookings", STRANGER),
            client.get(base, headers={"Origin": STRANGER}),
        ):
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert "Access-Control-Allow-Credentials" not in answer.headers
            assert answer.headers["Strict-Transport-Security"].startswith("max-age=")


def test_without_the_setting_no_site_is_let_in(client, vendor):
    answer = client.get(vendor.base, headers={"Origin": SITE})
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Strict-Transport-Security" not in answer.headers
