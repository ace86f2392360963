"""Rate limits: who counts as one caller, what the headers say, and what nobody is refused."""

from __future__ import annotations

import itertools
import socket
import time

import pytest

from app import create_app
from app.auth.key_texts import new_key_text
from app.auth.keys import create_key, revoke_key
from app.auth.operator_keys import create_operator_key
from app.auth.visits import find_vendor
from app.config import ConfigurationError, Settings
from app.db import db, offline_app
from app.vendors.actions import create_vendor

SECRET = "a secret of the tests, long enough to sign"
PATH = "/api/v1/vendors/limited"


@pytest.fixture(scope="module")
def vendor_key(module_database):
    """A key of the vendor "limited"."""
    with offline_app(Settings(database_url=module_database.app_url)).app_context():
        vendor = create_vendor("limited", "Limited", "Europe/Berlin")
        key = create_key(vendor.id, "tests")[1]
        db.engine.dispose()
    return key


@pytest.fixture
def application(module_database, vendor_key):
    """Makes an application with its own counts: `application(rate_limits="3/minute")`."""
    del vendor_key
    made = []

    def make(**settings):
        given = {"rate_limits": "3/minute", "key_rate_limits": "5/minute"} | settings
        app = create_app(Settings(database_url=module_database.app_url, secret_key=SECRET, **given))
        made.append(app)
        return app.test_client()

    yield make
    for app in made:
        with app.app_context():
            db.engine.dispose()


def _left(answer) -> int:
    parts = dict(part.split("=") for part in answer.headers["RateLimit"].split(";")[1:])
    assert 0 <= int(parts["t"]) <= 60
    return int(parts["r"])


def test_each_answer_says_what_is_left_and_then_comes_a_429_with_retry_after(application):
    client = application()
    answers = [client.get(PATH) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [_left(answer) for answer in answers] == [2, 1, 0, 0]
    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {
        '"address-minute";q=3;w=60'
    }
    refused = answers[-1]
    assert refused.content_type == "application/problem+json"
    body = refused.get_json()
    assert (body["code"], body["status"], body["retryable"]) == ("RATE_LIMITED", 429, True)
    assert "3 requests in a minute from this address" in body["detail"]
    assert refused.headers.getlist("Retry-After") == [refused.headers["Retry-After"]]
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert body["request_id"] == refused.headers["X-Request-Id"]


def test_a_window_that_has_passed_begins_anew(application):
    client = application(rate_limits="2/second")
    deadline = time.monotonic() + 10
    while client.get(PATH).status_code != 429:
        assert time.monotonic() < deadline
    while client.get(PATH).status_code == 429:
        assert time.monotonic() < deadline


def test_a_window_passes_also_when_the_clock_is_set_back(application, monkeypatch):
    client = application(rate_limits="2/second")
    deadline = time.monotonic() + 10
    while client.get(PATH).status_code != 429:
        assert time.monotonic() < deadline
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() - 3600)
    while (answer := client.get(PATH)).status_code == 429:
        assert int(answer.headers["Retry-After"]) == 1
        assert time.monotonic() < deadline


def test_several_limits_hold_at_once_and_are_all_told(application):
    client = application(rate_limits="100/hour, 2/minute")
    answers = [client.get(PATH) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0].headers["RateLimit-Policy"] == (
        '"address-minute";q=2;w=60, "address-hour";q=100;w=3600'
    )
    assert answers[0].headers["RateLimit"].startswith('"address-minute";r=1;t=')
    assert '"address-hour";r=99;t=' in answers[0].headers["RateLimit"]


def _bearer(key):
    return {"Authorization": f"Bearer {key}"}


def _made_up_keys(prefix="sk_"):
    """Keys of the right form that nobody has: each must be looked up."""
    return (_bearer(new_key_text(prefix).text) for _ in itertools.count())


def test_a_valid_key_counts_for_itself_from_the_first_request_on(application, vendor_key):
    client = application()
    answers = [client.get(PATH, headers=_bearer(vendor_key)) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[0].headers["RateLimit-Policy"] == '"key-minute";q=5;w=60'
    assert [client.get(PATH).status_code for _ in range(4)] == [200] * 3 + [429]


@pytest.mark.parametrize("path", [PATH, "/api/v1/vendors/nobody", "/api/v1/vendors", "/api/v1/x"])
def test_a_flood_of_made_up_keys_is_refused_and_keeps_no_neighbour_out(
    application, vendor_key, path
):
    client = application()
    flood = [client.get(path, headers=key) for key in itertools.islice(_made_up_keys(), 9)]
    assert 429 not in {answer.status_code for answer in flood[:3]}
    assert {answer.status_code for answer in flood[3:]} == {429}
    assert flood[0].headers["RateLimit-Policy"] == '"unknown-key-minute";q=3;w=60'
    assert "with keys that are not known" in flood[-1].get_json()["detail"]
    # This worker has never met the key, and the flood comes from its own address.
    answers = [client.get(PATH, headers=_bearer(vendor_key)) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert [client.get(PATH).status_code for _ in range(4)] == [200] * 3 + [429]


def test_keys_that_cannot_be_keys_and_revoked_ones_count_as_unknown(application, vendor_key):
    client = application()
    with client.application.app_context():
        key, text = create_key(find_vendor("limited"), "to be revoked")
        revoke_key(str(key.id))
    given = [text, "sk_guess", "op_guess", f"{vendor_key}x"]
    answers = [client.get(PATH, headers=_bearer(key)) for key in given]
    assert [answer.status_code for answer in answers] == [401] * 3 + [429]
    assert client.get(PATH, headers=_bearer(vendor_key)).status_code == 200


def test_operators_count_by_key_like_vendors_whatever_their_address_did(application):
    client = application()
    with client.application.app_context():
        text = create_operator_key("limits")[1]
    for _ in range(4):
        refused = client.get(PATH)
    assert refused.status_code == 429
    flood = [client.get(PATH, headers=key) for key in itertools.islice(_made_up_keys("op_"), 4)]
    assert flood[-1].status_code == 429
    answers = [client.get("/api/v1/vendors", headers=_bearer(text)) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[0].headers["RateLimit-Policy"] == '"key-minute";q=5;w=60'


def test_another_vendors_key_is_a_valid_key_and_counts_for_itself(application):
    client = application()
    with client.application.app_context():
        vendor = create_vendor("elsewhere", "Elsewhere", "Europe/Berlin")
        text = create_key(vendor.id, "tests")[1]
    answers = [client.get(PATH, headers=_bearer(text)) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [403] * 5 + [429]


def test_a_key_is_one_caller_however_its_scheme_is_written(application, vendor_key):
    client = application(rate_limits="100/minute")
    schemes = ["Bearer ", "bearer ", "BEARER   ", "bEARER ", "Bearer     ", "BeArEr ", "beaRER  "]
    answers = [
        client.get(PATH, headers={"Authorization": f"{scheme}{vendor_key}"}) for scheme in schemes
    ]
    # Of the key's five the last two are too many.
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2


def test_other_addresses_are_not_touched_and_an_ipv6_network_is_one(application):
    client = application(rate_limits="1/minute")

    def status(address):
        return client.get(PATH, environ_base={"REMOTE_ADDR": address}).status_code

    assert [status("192.0.2.1"), status("192.0.2.1"), status("192.0.2.2")] == [200, 429, 200]
    assert [status("2001:db8::1"), status("2001:db8::2"), status("2001:db8:0:1::1")] == [
        200,
        429,
        200,
    ]


def test_addresses_of_ipv4_are_several_callers_on_a_server_that_listens_on_both(application):
    client = application(rate_limits="1/minute")

    def status(address):
        return client.get(PATH, environ_base={"REMOTE_ADDR": address}).status_code

    assert [status("::ffff:192.0.2.1"), status("::ffff:192.0.2.2")] == [200, 200]
    assert [status("::ffff:192.0.2.1"), status("192.0.2.2")] == [429, 429]


def test_only_trusted_proxies_say_who_is_calling(application):
    def statuses(client, forwarded):
        return [
            client.get(PATH, headers={"X-Forwarded-For": value}).status_code for value in forwarded
        ]

    untrusting = application(rate_limits="1/minute")
    assert statuses(untrusting, ["192.0.2.1", "192.0.2.2"]) == [200, 429]
    trusting = application(rate_limits="1/minute", trusted_proxies=1)
    assert statuses(trusting, ["192.0.2.1", "192.0.2.2", "192.0.2.2"]) == [200, 200, 429]
    # What the caller itself wrote stands before what the proxy adds, and does not count.
    assert statuses(trusting, ["198.51.100.9, 192.0.2.2"]) == [429]


def test_health_readiness_metrics_and_pages_are_never_refused_or_counted(application):
    client = application(rate_limits="1/minute")
    for path in ("/healthz", "/readyz", "/metrics", "/docs", "/docs/errors"):
        answers = [client.get(path) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200] * 3, path
        assert "RateLimit" not in answers[0].headers
    assert client.get(PATH).status_code == 200


def test_limits_can_be_off_for_all_or_for_keys(application, vendor_key):
    off = application(rate_limits="", key_rate_limits="")
    answers = [off.get(PATH) for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    assert "RateLimit" not in answers[0].headers
    keys_free = application(rate_limits="2/minute", key_rate_limits="")
    headers = {"Authorization": f"Bearer {vendor_key}"}
    assert {keys_free.get(PATH, headers=headers).status_code for _ in range(10)} == {200}
    only_keys = application(rate_limits="", key_rate_limits="2/minute")
    answers = [only_keys.get(PATH, headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert only_keys.get(PATH).status_code == 200


def test_a_shared_store_that_cannot_be_reached_refuses_nobody_below_the_limit(application):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        client = application(rate_limit_store=f"redis://127.0.0.1:{port}/0")
        answers = [client.get(PATH) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


@pytest.mark.parametrize(
    "name, value, told",
    [
        ("SLOTKEEPER_RATE_LIMITS", "many", "use off, or limits such as 1200/minute"),
        ("SLOTKEEPER_RATE_LIMITS", "0/minute", "use off, or limits such as"),
        ("SLOTKEEPER_KEY_RATE_LIMITS", "5/fortnight", "use off, or limits such as"),
        ("SLOTKEEPER_RATE_LIMIT_STORE", "mysql://x", "look like redis://"),
        ("SLOTKEEPER_TRUSTED_PROXIES", "all", "a whole number between 0 and 10"),
        ("SLOTKEEPER_CORS_ORIGINS", "shop.example", "use origins such as https://shop.example"),
        ("SLOTKEEPER_CORS_ORIGINS", "https://shop.example/", "nothing after the host"),
        ("SLOTKEEPER_BODY_SECONDS", "0", "a whole number between 1 and 300"),
    ],
)
def test_a_wrong_setting_is_named_with_what_to_write(name, value, told):
    with pytest.raises(ConfigurationError, match=told) as caught:
        Settings.from_environment({name: value})
    assert name in str(caught.value)


def test_settings_are_read_as_documented():
    settings = Settings.from_environment(
        {
            "SLOTKEEPER_RATE_LIMITS": "50/second, 1200 / minute",
            "SLOTKEEPER_KEY_RATE_LIMITS": "OFF",
            "SLOTKEEPER_CORS_ORIGINS": "https://a.example, http://localhost:3000",
        }
    )
    assert settings.rate_limits == "50/second, 1200/minute"
    assert settings.key_rate_limits == ""
    assert settings.cors_origins == ("https://a.example", "http://localhost:3000")
    assert Settings().rate_limits == "1200/minute", "limits are on unless somebody says otherwise"
