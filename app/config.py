"""What Slotkeeper is told by its environment; the only module that reads it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Literal, Self
from urllib.parse import urlsplit, urlunsplit

LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
SECRET_KEY_LENGTH_MIN = 32
_RATE_LIMIT = re.compile(r"[1-9][0-9]{0,8}/(second|minute|hour|day)")
_PUBLIC_URL = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*)?")
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")


class ConfigurationError(Exception):
    """A setting is missing or wrong; the message names it and says what to do."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything a Slotkeeper process may know. Secrets do not appear in its repr.

    The owner's address is no part of it, so that nothing that serves requests can reach it: see
    `owner_database_url`.
    """

    database_url: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 2
    threads: int = 8
    worker_port: int = 0
    database_pooler: Literal["none", "transaction"] = "none"
    log_level: str = "info"
    log_format: Literal["json", "console"] = "json"
    public_url: str = ""
    rate_limits: str = "1200/minute"
    key_rate_limits: str = "6000/minute"
    rate_limit_store: str = "memory://"
    trusted_proxies: int = 0
    cors_origins: tuple[str, ...] = ()
    body_seconds: int = 15
    lock_seconds: int = 3
    statement_seconds: int = 10
    publish_days: int = 180

    def __post_init__(self) -> None:
        if self.database_url:
            _check_postgresql_url("DATABASE_URL", self.database_url)
        if self.secret_key and len(self.secret_key) < SECRET_KEY_LENGTH_MIN:
            raise ConfigurationError(
                f"SLOTKEEPER_SECRET_KEY has {len(self.secret_key)} characters and needs at least"
                f" {SECRET_KEY_LENGTH_MIN}. {_ADVICE_ON_KEYS}"
            )
        if self.log_level not in LOG_LEVELS:
            raise ConfigurationError(
                f"SLOTKEEPER_LOG_LEVEL is {self.log_level!r}; use one of {', '.join(LOG_LEVELS)}."
            )
        if self.log_format not in {"json", "console"}:
            raise ConfigurationError(
                f"SLOTKEEPER_LOG_FORMAT is {self.log_format!r}; use json or console."
            )
        if self.database_pooler not in {"none", "transaction"}:
            raise ConfigurationError(
                f"SLOTKEEPER_DATABASE_POOLER is {self.database_pooler!r}; use none, or transaction"
                " behind a PgBouncer that pools transactions."
            )
        if self.public_url and not _PUBLIC_URL.fullmatch(self.public_url):
            raise ConfigurationError(
                f"SLOTKEEPER_PUBLIC_URL is {self.public_url!r}; use an address such as"
                " https://booking.example.org."
            )
        if not self.public_url:
            host = f"[{self.host}]" if ":" in self.host else self.host
            object.__setattr__(self, "public_url", f"http://{host}:{self.port}")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """The settings of this process; raises ConfigurationError."""
        env = os.environ if environment is None else environment
        return cls(
            database_url=env.get("DATABASE_URL", ""),
            secret_key=env.get("SLOTKEEPER_SECRET_KEY", ""),
            host=env.get("SLOTKEEPER_HOST", "") or cls.host,
            port=_whole_number(env, "SLOTKEEPER_PORT", cls.port, 1, 65_535),
            workers=_whole_number(env, "SLOTKEEPER_WORKERS", cls.workers, 1, 256),
            threads=_whole_number(env, "SLOTKEEPER_THREADS", cls.threads, 1, 256),
            worker_port=_whole_number(env, "SLOTKEEPER_WORKER_PORT", cls.worker_port, 0, 65_535),
            database_pooler=env.get("SLOTKEEPER_DATABASE_POOLER", "") or cls.database_pooler,  # type: ignore[arg-type]  # checked above
            log_level=env.get("SLOTKEEPER_LOG_LEVEL", "").lower() or cls.log_level,
            log_format=env.get("SLOTKEEPER_LOG_FORMAT", "") or cls.log_format,  # type: ignore[arg-type]  # checked above
            public_url=env.get("SLOTKEEPER_PUBLIC_URL", "").rstrip("/"),
            rate_limits=_rate_limits(env, "SLOTKEEPER_RATE_LIMITS", cls.rate_limits),
            key_rate_limits=_rate_limits(env, "SLOTKEEPER_KEY_RATE_LIMITS", cls.key_rate_limits),
            rate_limit_store=_store(env, "SLOTKEEPER_RATE_LIMIT_STORE", cls.rate_limit_store),
            trusted_proxies=_whole_number(env, "SLOTKEEPER_TRUSTED_PROXIES", 0, 0, 10),
            cors_origins=_origins(env, "SLOTKEEPER_CORS_ORIGINS"),
            body_seconds=_whole_number(env, "SLOTKEEPER_BODY_SECONDS", cls.body_seconds, 1, 300),
            lock_seconds=_whole_number(env, "SLOTKEEPER_LOCK_SECONDS", cls.lock_seconds, 1, 60),
            statement_seconds=_whole_number(
                env, "SLOTKEEPER_STATEMENT_SECONDS", cls.statement_seconds, 1, 300
            ),
            publish_days=_whole_number(env, "SLOTKEEPER_PUBLISH_DAYS", cls.publish_days, 1, 730),
        )

    def require_database_url(self) -> str:
        """DATABASE_URL, or a ConfigurationError that says what to set."""
        if not self.database_url:
            raise ConfigurationError(
                "DATABASE_URL is not set. Give the address for the application's role:"
                " DATABASE_URL=postgresql://slotkeeper_app:PASSWORD@HOST:5432/slotkeeper"
                " (or run 'make demo', which brings a database of its own)."
            )
        return self.database_url

    def require_secret_key(self) -> str:
        """SLOTKEEPER_SECRET_KEY, or a ConfigurationError that says what to set."""
        if not self.secret_key:
            raise ConfigurationError(f"SLOTKEEPER_SECRET_KEY is not set. {_ADVICE_ON_KEYS}")
        return self.secret_key


def owner_database_url(environment: Mapping[str, str] | None = None) -> str:
    """DATABASE_OWNER_URL, for migrations alone; raises ConfigurationError."""
    url = (os.environ if environment is None else environment).get("DATABASE_OWNER_URL", "")
    if not url:
        raise ConfigurationError(
            "DATABASE_OWNER_URL is not set. Give the address for the role that owns the tables:"
            " DATABASE_OWNER_URL=postgresql://slotkeeper_owner:PASSWORD@HOST:5432/slotkeeper"
        )
    return _check_postgresql_url("DATABASE_OWNER_URL", url)


def inherited_environment(**changes: str) -> dict[str, str]:
    """The environment for a child process: ours without our settings, and `changes` on top."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("SLOTKEEPER_") and name not in {"DATABASE_URL", "DATABASE_OWNER_URL"}
    } | changes


def share_metrics(directory: str) -> None:
    """Let the processes that this one makes from now on add up their metrics in `directory`."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory


def shared_metrics() -> str:
    """The directory in which this process and its siblings add up their metrics; "" for none."""
    return os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")


def sqlalchemy_url(url: str) -> str:
    """`url` in the form that makes SQLAlchemy use psycopg 3."""
    return urlunsplit(urlsplit(url)._replace(scheme="postgresql+psycopg"))


_ADVICE_ON_KEYS = (
    "It signs the tokens by which customers manage their bookings: keep it secret, and the same on"
    " every server. Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
)


def _check_postgresql_url(name: str, url: str) -> str:
    if urlsplit(url).scheme not in {"postgresql", "postgres", "postgresql+psycopg"}:
        raise ConfigurationError(
            f"{name} must look like postgresql://user:password@host:5432/dbname."
        )
    return url


def _rate_limits(env: Mapping[str, str], name: str, default: str) -> str:
    """Such as "100/second, 1200/minute", written evenly; empty for "off"."""
    text = env.get(name, "").strip().lower() or default
    if text == "off":
        return ""
    limits = [limit.replace(" ", "") for limit in text.split(",")]
    if not all(_RATE_LIMIT.fullmatch(limit) for limit in limits):
        raise ConfigurationError(
            f"{name} is {text!r}; use off, or limits such as 1200/minute or 50/second, 1200/minute."
        )
    return ", ".join(limits)


def _store(env: Mapping[str, str], name: str, default: str) -> str:
    text = env.get(name, "").strip() or default
    if text != default and urlsplit(text).scheme not in {"redis", "rediss", "redis+unix"}:
        raise ConfigurationError(f"{name} must be memory:// or look like redis://host:6379/0.")
    if text != default and find_spec("redis") is None:
        raise ConfigurationError(
            f"{name} needs a client for Redis: pip install 'slotkeeper[redis]'"
        )
    return text


def _origins(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    origins = tuple(word.strip() for word in env.get(name, "").split(",") if word.strip())
    for origin in origins:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise ConfigurationError(
                f"{name} holds {origin!r}; use origins such as https://shop.example, with commas"
                " between them and nothing after the host or port, or * for all."
            )
    return origins


def _whole_number(
    env: Mapping[str, str], name: str, default: int, smallest: int, largest: int
) -> int:
    text = env.get(name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not smallest <= int(text) <= largest:
        raise ConfigurationError(
            f"{name} is {text!r}; use a whole number between {smallest} and {largest}."
        )
    return int(text)
