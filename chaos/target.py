"""What is attacked: the address of a running Slotkeeper, a vendor of it, and the ways in."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

DEMO_FILE = Path(".slotkeeper/demo.json")
TIMEOUT_SECONDS = 30
NEEDED = ("url", "vendor", "api_key", "database_url")
# Other settings refuse the crowd, or tell it less than the judges need.
SETTINGS: dict[str, Any] = {
    "public_booking": True,
    "service_required": False,
    "open_bookings_max": None,
    "availability_numbers": "exact",
}


# What a run has made over HTTP, for the database to show.
SEEN = "SELECT count(*) FROM locations WHERE id = %s"


class TargetError(Exception):
    """The attack cannot begin; the message says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """A vendor and how to reach it. Without `owner_url` nobody writes rows by hand."""

    url: str
    vendor: str
    api_key: str
    database_url: str
    owner_url: str

    @property
    def path(self) -> str:
        """The vendor's calls, below `url`."""
        return f"/api/v1/vendors/{self.vendor}"

    def missing(self) -> str:
        """What is not known but needed, and what to do about it; empty if nothing."""
        unknown = [name for name in NEEDED if not getattr(self, name)]
        if not unknown:
            return ""
        return (
            f"no {', no '.join(unknown)} given. Start a demo in this folder (make demo), or name"
            " them: python -m chaos run --help says how."
        )

    def postgresql(self) -> str:
        """The version of the database server. Raises TargetError."""
        try:
            with psycopg.connect(self.database_url) as connection:
                number = connection.info.server_version
        except psycopg.OperationalError as error:
            raise TargetError(f"The database cannot be reached: {error}") from error
        return f"{number // 10_000}.{number % 10_000}"

    def vendor_id(self) -> str:
        """The vendor's id, as the database knows it. Raises TargetError."""
        try:
            with psycopg.connect(self.database_url, autocommit=True) as connection:
                row = connection.execute(
                    "SELECT id FROM vendors WHERE slug = %s", [self.vendor]
                ).fetchone()
        except psycopg.OperationalError as error:
            raise TargetError(f"The database cannot be reached: {error}") from error
        except psycopg.errors.UndefinedTable as error:
            raise TargetError("The database has no Slotkeeper in it.") from error
        if row is None:
            raise TargetError(
                f"The database knows no vendor {self.vendor}: is it another server's?"
            )
        return str(row[0])


def read_demo(path: Path) -> dict[str, str]:
    """What `slotkeeper demo` wrote down about itself, by the names of Target; {} if nothing."""
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return {
        "url": found["base_url"],
        "vendor": found["vendor"],
        "api_key": found["api_key"],
        "database_url": found["database_url"],
        "owner_url": found["database_owner_url"],
    }


def require_settings(target: Target) -> None:
    """Nothing, if the settings let everybody in and tell everything. Raises TargetError."""
    vendor = administer(target, "GET", "", None)
    others = {name: vendor[name] for name, wanted in SETTINGS.items() if vendor[name] != wanted}
    if others:
        wanted = {name: SETTINGS[name] for name in others}
        raise TargetError(
            f"Vendor {target.vendor} has set {json.dumps(others)}, with which nobody could judge"
            f" the answers: attack a vendor of its own for this, with {json.dumps(wanted)}."
        )


def require_one_deployment(target: Target, location_id: str, *, broken: bool = False) -> None:
    """Nothing, if both addresses of a database lead to where the server keeps what it was given
    over HTTP, such as this location. Raises TargetError.

    `broken`: faults may have begun, so that one that cannot be read now may be the right one.
    """
    options = {"--database-url": target.database_url, "--owner-url": target.owner_url}
    for option, url in options.items():
        try:
            there = not url or _sees(url, location_id)
        except psycopg.Error as error:
            if broken:
                continue
            raise TargetError(f"The database of {option} cannot be read: {error}") from error
        if not there:
            raise TargetError(
                f"What was made at {target.url} is not in the database of {option}: that is"
                " another server's."
            )


def _sees(url: str, location_id: str) -> bool:
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            row = connection.execute(SEEN, [location_id]).fetchone()
    except psycopg.errors.UndefinedTable:
        return False
    return bool(row and row[0])


def administer(
    target: Target, method: str, path: str, body: dict[str, Any] | None
) -> dict[str, Any]:
    """One call with the vendor's key, before the attack begins. Raises TargetError."""
    request = urllib.request.Request(  # noqa: S310 - the caller named the server
        f"{target.url}{target.path}{path}",
        None if body is None else json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {target.api_key}"},
        method=method,
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            made: dict[str, Any] = json.load(answer)
            return made
    except urllib.error.HTTPError as error:
        words = f"{method} {target.path}{path}: {error.code} {error.read().decode()}"
        raise TargetError(words) from error
    except OSError as error:
        raise TargetError(f"{target.url} cannot be reached: {error}") from error
