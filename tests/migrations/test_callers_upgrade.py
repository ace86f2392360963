"""Keys across the revision that gave them scopes: nobody gains by it, there or back."""

from __future__ import annotations

import secrets

import psycopg
import pytest

from app import migrate
from tests.shop import Shop

NIL = "00000000-0000-0000-0000-000000000000"


def _key(shop: Shop, name: str, **columns: str):
    return shop.insert(
        "api_keys", name=name, key_hash=secrets.token_bytes(32), prefix="sk_x", **columns
    )


def test_a_key_from_before_scopes_may_still_do_everything(database):
    migrate.downgrade(database.owner_url, "0001_core")
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        key = _key(Shop(owner, owner), "old")
        migrate.upgrade(database.owner_url)
        found = owner.execute(
            "SELECT scope, version, revoked_at FROM api_keys WHERE id = %s", [key]
        ).fetchone()
        assert found == ("admin", 1, None)
        # From then on nobody becomes an admin by leaving the scope out.
        with pytest.raises(psycopg.errors.NotNullViolation):
            _key(Shop(owner, owner), "new")


def test_a_narrow_key_does_not_become_a_wide_one_when_scopes_go(database):
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        shop = Shop(owner, owner)
        keys = {scope: _key(shop, scope, scope=scope) for scope in ("read", "write", "admin")}
        owner.execute(
            "INSERT INTO idempotency_keys (vendor_id, key, fingerprint) VALUES (%s, %s, %s)",
            [NIL, "an-operators-key-1", b"x"],
        )
        migrate.downgrade(database.owner_url, "0001_core")
        valid = owner.execute("SELECT id FROM api_keys WHERE revoked_at IS NULL").fetchall()
        assert valid == [(keys["admin"],)]
        left = owner.execute("SELECT FROM idempotency_keys WHERE vendor_id = %s", [NIL]).fetchall()
        assert left == []
        migrate.upgrade(database.owner_url)


def test_no_vendor_has_the_id_under_which_the_operators_keys_are_kept(owner):
    with pytest.raises(psycopg.errors.CheckViolation):
        owner.execute(
            "INSERT INTO vendors (id, slug, name, time_zone) VALUES (%s, 'nil', 'Nil', 'UTC')",
            [NIL],
        )
