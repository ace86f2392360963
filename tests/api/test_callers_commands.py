"""The commands that make, list and revoke keys, as real processes."""

from __future__ import annotations

import subprocess

import pytest


@pytest.fixture
def slotkeeper(commands, shared_server):
    """Run a command; its result, with what it printed."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return commands.run(*words, DATABASE_URL=shared_server.database.app_url)

    return run


def test_a_key_is_made_of_a_scope_listed_and_revoked(slotkeeper, vendor, problem):
    made = slotkeeper("key", "create", vendor.slug, "--name", "second", "--scope", "read")
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()
    assert vendor.get("/slots", key).status_code == 200
    problem(vendor.post("/bookings", {}, key), 403, "FORBIDDEN")
    listed = slotkeeper("key", "list", vendor.slug).stdout
    assert key not in listed
    assert {"read", "second", key[:11]} <= set(listed.replace("│", " ").split())
    assert slotkeeper("key", "revoke", key).returncode == 0
    problem(vendor.get("/slots", key), 401, "UNAUTHENTICATED")
    problem(vendor.get("/services", key), 401, "UNAUTHENTICATED")
    assert vendor.get("/slots", vendor.key).status_code == 200


def test_an_unknown_scope_or_vendor_is_an_error_and_not_an_empty_answer(slotkeeper, vendor):
    assert slotkeeper("key", "create", vendor.slug, "--scope", "root").returncode == 2
    for words in (["list", "nobody"], ["create", "nobody"], ["list", "No body"]):
        refused = slotkeeper("key", *words)
        assert (refused.returncode, refused.stdout) == (1, ""), words
        assert "VENDOR_NOT_FOUND" in refused.stderr
        assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("group", ["key", "operator-key"])
@pytest.mark.parametrize("named", ["", "s", "sk_", "op_", "%", "sk_nothing", "no-such-key"])
def test_a_command_revokes_no_key_that_is_not_named(slotkeeper, vendor, group, named):
    slotkeeper("operator-key", "create")
    slotkeeper("operator-key", "create")
    refused = slotkeeper(group, "revoke", named)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert vendor.get("/slots", vendor.key).status_code == 200


def test_an_operator_key_is_made_listed_and_revoked(slotkeeper, client, problem):
    made = slotkeeper("operator-key", "create", "--name", "billing")
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()
    credentials = {"Authorization": f"Bearer {key}"}
    assert client.get("/api/v1/vendors", headers=credentials).status_code == 200
    listed = slotkeeper("operator-key", "list").stdout
    assert "billing" in listed
    assert key[:11] in listed
    assert key not in listed
    assert slotkeeper("operator-key", "revoke", key[:11]).returncode == 0
    refused = client.get("/api/v1/vendors", headers=credentials)
    problem(refused, 401, "UNAUTHENTICATED")
