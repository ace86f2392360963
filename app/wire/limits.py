"""Rate limits: how many requests a caller may send, told in every answer before it is too late.

A caller is an API key that has lately been found valid, and otherwise an address: whoever makes up
keys is still one address. Windows are fixed: the count begins anew when the window has passed.
Flask-Limiter brings the stores and the counting; its hooks are left out, since they cost 80 µs a
request, several times what counting does.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import structlog
from flask import Flask, Response, g, request
from flask_limiter import Limiter
from limits import RateLimitItem, parse_many
from limits.errors import ConfigurationError as StoreError
from limits.storage import Storage
from limits.strategies import RateLimiter

from app.config import ConfigurationError, Settings
from app.errors import Problem

LIMITED = "/api/"
CALLERS_MAX = 100_000
# How long a key that was found valid counts for itself before it must be found valid again.
KEY_KNOWN_SECONDS = 60
# After a failure the shared store is left alone for so long.
STORE_REST_SECONDS = 5
STORE_PATIENCE_SECONDS = 1

log = structlog.get_logger(__name__)


class WorkerMemory(Storage):
    """Counts of this process alone.

    The library's own memory walks over all callers a hundred times a second, in a thread it makes
    for each walk; this one forgets whose window has passed only when it has become large.
    """

    STORAGE_SCHEME = ["worker"]  # noqa: RUF012  # The library's own name.

    def __init__(self, uri: str | None = None, *, wrap_exceptions: bool = False, **_: Any) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[int, float]] = {}

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        now = time.time()
        with self._lock:
            count, end = self._windows.get(key, (0, 0.0))
            if end <= now:
                if len(self._windows) >= CALLERS_MAX:
                    self._forget(now)
                count, end = 0, now + expiry
            self._windows[key] = (count + amount, end)
        return count + amount

    def get(self, key: str) -> int:
        count, end = self._windows.get(key, (0, 0.0))
        return count if end > time.time() else 0

    def get_expiry(self, key: str) -> float:
        return self._windows.get(key, (0, time.time()))[1]

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        with self._lock:
            known = len(self._windows)
            self._windows.clear()
        return known

    def clear(self, key: str) -> None:
        self._windows.pop(key, None)

    def _forget(self, now: float) -> None:
        self._windows = {key: (n, end) for key, (n, end) in self._windows.items() if end > now}
        if len(self._windows) > CALLERS_MAX // 2:
            # A flood of addresses: rather all begin anew than this process grow without bound.
            self._windows.clear()


@dataclass(frozen=True, slots=True)
class Policy:
    """The limits of one kind of caller: "address" or "key"."""

    kind: str
    items: tuple[RateLimitItem, ...]

    @classmethod
    def of(cls, kind: str, limits: str) -> Policy:
        return cls(kind, tuple(sorted(parse_many(limits))) if limits else ())

    def name(self, item: RateLimitItem) -> str:
        """How the headers call a limit: "address-minute"."""
        return f'"{self.kind}-{item.GRANULARITY.name}"'

    def described(self) -> str:
        """RateLimit-Policy, as draft-ietf-httpapi-ratelimit-headers has it: quota and window."""
        return ", ".join(
            f"{self.name(item)};q={item.amount};w={item.get_expiry()}" for item in self.items
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the caller of this request stands."""

    policy: Policy
    caller: str
    counting: RateLimiter


class Limits:
    """Counts requests by caller and refuses those above the limits."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._addresses = Policy.of("address", settings.rate_limits)
        self._keys = Policy.of("key", settings.key_rate_limits)
        self._described = {each.kind: each.described() for each in (self._addresses, self._keys)}
        self._here = _counting(app, "worker://")
        shared = settings.rate_limit_store
        self._shared = None if shared == Settings.rate_limit_store else _counting(app, shared)
        self._shared_rests_until = 0.0
        self._known_keys: dict[str, float] = {}

    def check(self) -> None:
        """Count this request. Raises RATE_LIMITED."""
        if not request.path.startswith(LIMITED):
            return
        policy, caller = self._caller()
        if not policy.items:
            return
        try:
            self._count(policy, caller, self._store())
        except Problem:
            raise
        except Exception as error:  # noqa: BLE001  # Whatever the store's client raises.
            self._shared_rests_until = time.monotonic() + STORE_REST_SECONDS
            log.warning("rate limit store failed; counting in this worker", error=repr(error))
            self._count(policy, caller, self._here)

    def tell(self, response: Response) -> Response:
        """Add the headers, and remember a key that has been found valid."""
        standing: Standing | None = g.get("rate_standing")
        if standing is None:
            return response
        policy = standing.policy
        parts = []
        for item in policy.items:
            left, seconds = _left(standing, item)
            parts.append(f"{policy.name(item)};r={left};t={seconds}")
        response.headers["RateLimit-Policy"] = self._described[policy.kind]
        response.headers["RateLimit"] = ", ".join(parts)
        if policy is self._addresses:
            self._remember_key()
        return response

    def _store(self) -> RateLimiter:
        if self._shared is None or time.monotonic() < self._shared_rests_until:
            return self._here
        return self._shared

    def _count(self, policy: Policy, caller: str, counting: RateLimiter) -> None:
        standing = g.rate_standing = Standing(policy, caller, counting)
        for item in policy.items:
            if not counting.hit(item, policy.kind, caller):
                raise _refusal(standing, item)

    def _caller(self) -> tuple[Policy, str]:
        header = request.headers.get("Authorization")
        if header is not None:
            key = _digest(header)
            if self._known_keys.get(key, 0.0) > time.monotonic():
                return self._keys, key
        return self._addresses, _network(request.remote_addr or "unknown")

    def _remember_key(self) -> None:
        header, visit = request.headers.get("Authorization"), g.get("visit")
        if header is None or visit is None or visit.caller.kind != "vendor":
            return
        if len(self._known_keys) >= CALLERS_MAX:
            self._known_keys.clear()
        self._known_keys[_digest(header)] = time.monotonic() + KEY_KNOWN_SECONDS


def limit_rates(app: Flask, settings: Settings) -> None:
    """Register the limits with `app`, unless all are off. Raises ConfigurationError."""
    if settings.rate_limits or settings.key_rate_limits:
        limits = Limits(app, settings)
        app.before_request(limits.check)
        app.after_request(limits.tell)


def _counting(app: Flask, store: str) -> RateLimiter:
    """Counting in a store: of this worker, or one that all share. Raises ConfigurationError."""
    patience = {} if store == "worker://" else {"socket_timeout": STORE_PATIENCE_SECONDS}
    limiter = Limiter(
        lambda: request.remote_addr or "unknown",
        storage_uri=store,
        storage_options={**patience},
        strategy="fixed-window",
    )
    # Known already: init_app then registers none of its hooks.
    app.extensions.setdefault("limiter", set()).add(limiter)
    try:
        limiter.init_app(app)
    except StoreError as error:
        raise ConfigurationError(
            f"SLOTKEEPER_RATE_LIMIT_STORE cannot be used: {error} (pip install 'slotkeeper[redis]')"
        ) from error
    return limiter.limiter


def _refusal(standing: Standing, item: RateLimitItem) -> Problem:
    _, seconds = _left(standing, item)
    whose = "with this API key" if standing.policy.kind == "key" else "from this address"
    return Problem(
        "RATE_LIMITED",
        f"More than {item.amount} requests in a {item.GRANULARITY.name} {whose}.",
        headers={"Retry-After": str(max(1, seconds))},
    )


def _left(standing: Standing, item: RateLimitItem) -> tuple[int, int]:
    """How many requests are left in the window, and in how many seconds the next one begins."""
    try:
        stats = standing.counting.get_window_stats(item, standing.policy.kind, standing.caller)
    except Exception:  # noqa: BLE001  # The store has gone since; the request is answered anyway.
        return 0, item.get_expiry()
    return stats.remaining, max(0, math.ceil(stats.reset_time - time.time()))


@lru_cache(maxsize=10_000)
def _digest(credentials: str) -> str:
    """The store never holds a key. However its scheme is written, a key is one caller."""
    key = credentials.strip(" ").rpartition(" ")[2]
    return hashlib.sha256(key.encode()).hexdigest()


@lru_cache(maxsize=10_000)
def _network(address: str) -> str:
    """The address; of IPv6 the /64, which is what one connection is given."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.IPv6Network((address.partition("%")[0], 64), strict=False))
    except ValueError:
        return address
