"""The vendors of the demo: made from their descriptions by the calls that a user would make."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select

from app import create_app
from app.auth.keys import create_key, find_key
from app.config import Settings
from app.db import db, offline_app
from app.demo_vendors.clinic import CLINIC
from app.demo_vendors.described import DemoVendor
from app.demo_vendors.hotel import HOTEL
from app.demo_vendors.loading import Loading
from app.demo_vendors.salon import SALON
from app.demo_vendors.tour import TOUR
from app.models import Vendor
from app.schedules.keeping import Keeper
from app.vendors.actions import create_vendor

# The first is the one that people meet first, and that scripts use.
DEMO_VENDORS = (SALON, CLINIC, HOTEL, TOUR)


def load_demo_vendors(settings: Settings, known: Mapping[str, str]) -> dict[str, str]:
    """Make the demo vendors that are not there yet, and return a valid key of each, by its slug.

    `known`: what an earlier run returned. A vendor whose key in it is still valid is left as it is,
    but for its schedules, which are published up to today's horizon. Raises LoadingError.
    """
    with offline_app(settings).app_context():
        try:
            keys = {slug: key for slug, key in known.items() if _opens(key, slug)}
            missing = [one for one in DEMO_VENDORS if one.slug not in keys]
            made = {one.slug: _key_of_vendor(one) for one in missing}
            if not missing:
                Keeper().round()
        finally:
            db.session.remove()
            db.engine.dispose()
    if missing:
        _load(settings, missing, made)
    return {one.slug: {**keys, **made}[one.slug] for one in DEMO_VENDORS}


def _load(settings: Settings, missing: list[DemoVendor], keys: Mapping[str, str]) -> None:
    app = create_app(settings)
    try:
        for vendor in missing:
            Loading(app.test_client(), vendor, keys[vendor.slug], datetime.now(UTC)).run()
    finally:
        with app.app_context():
            db.engine.dispose()


def _opens(key: str, slug: str) -> bool:
    """Whether the key is valid and that vendor's."""
    found = find_key(key)
    return found is not None and found.vendor_id == _id_of(slug)


def _key_of_vendor(vendor: DemoVendor) -> str:
    """A new key of the vendor, which is made if there is none."""
    vendor_id = _id_of(vendor.slug)
    if vendor_id is None:
        vendor_id = create_vendor(vendor.slug, vendor.name, vendor.time_zone).id
    return create_key(vendor_id, "demo")[1]


def _id_of(slug: str) -> UUID | None:
    found: UUID | None = db.session.scalar(select(Vendor.id).where(Vendor.slug == slug))
    return found
