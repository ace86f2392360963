"""Rate limits: how many requests a caller may send, told in every answer before it is too late.

A caller is a valid key, and otherwise an address. Keys that nobody has count apart, after they have
been looked up, so that whoever makes them up keeps neither a valid key nor a customer out. Windows
are fixed: the count begins anew when the window has passed.
Flask-Limiter brings the stores that workers share; its hooks are left out, since they cost 80 µs a
request, ten times what counting does.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import structlog
from flask import Flask, Response, g, request
from flask_limiter import Limiter
from limits import RateLimitItem, parse_many
from limits.errors import ConfigurationError as StoreError
from limits.strategies import RateLimiter

from app.config import ConfigurationError, Settings
from app.errors import DatabaseProblem, Problem

# Whether credentials are a key that opens something; None if they are no key at all.
Verify = Callable[[str], bool | None]
LIMITED = "/api/"
CALLERS_MAX = 100_000
# How long a key that was found valid is not looked up again for its limit's sake.
KEY_KNOWN_SECONDS = 60
# After a failure the shared store is left alone for so long.
STORE_REST_SECONDS = 5
STORE_PATIENCE_SECONDS = 1

log = structlog.get_logger(__name__)


class WorkerMemory:
    """Counts of this process alone.

    The library's own memory walks over all callers a hundred times a second, in a thread it makes
    for each walk; this one forgets whose window has passed only when it has become large.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[int, float]] = {}

    def take(self, key: str, window_seconds: int) -> tuple[int, float]:
        """Count one more: how many there are in this window, and how many seconds it still has."""
        # Not the clock of the day: set back, it would keep a caller out until it comes round again.
        now = time.monotonic()
        with self._lock:
            count, end = self._windows.get(key, (0, now))
            if end <= now:
                if len(self._windows) >= CALLERS_MAX:
                    self._forget(now)
                count, end = 0, now + window_seconds
            self._windows[key] = (count + 1, end)
        return count + 1, end - now

    def _forget(self, now: float) -> None:
        self._windows = {key: (n, end) for key, (n, end) in self._windows.items() if end > now}
        if len(self._windows) > CALLERS_MAX // 2:
            # A flood of addresses: rather all begin anew than this process grow without bound.
            self._windows.clear()


@dataclass(frozen=True, slots=True)
class Policy:
    """The limits of one kind of caller: "address", "key" or "unknown-key"."""

    kind: str
    # How the headers call each limit: "address-minute".
    items: tuple[tuple[str, RateLimitItem], ...]
    # RateLimit-Policy, as draft-ietf-httpapi-ratelimit-headers has it: quotas and windows.
    described: str

    @classmethod
    def of(cls, kind: str, limits: str) -> Policy:
        found = sorted(parse_many(limits)) if limits else []
        items = tuple((f'"{kind}-{item.GRANULARITY.name}"', item) for item in found)
        described = (f"{name};q={item.amount};w={item.get_expiry()}" for name, item in items)
        return cls(kind, items, ", ".join(described))


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the caller of this request stands: what is left by limit, and when windows end."""

    policy: Policy
    left: list[tuple[str, int, float]]


class Limits:
    """Counts requests by caller and refuses those above the limits."""

    def __init__(self, app: Flask, settings: Settings, verify: Verify) -> None:
        self._verify = verify
        self._addresses = Policy.of("address", settings.rate_limits)
        self._unknown_keys = Policy.of("unknown-key", settings.rate_limits)
        self._keys = Policy.of("key", settings.key_rate_limits)
        self._memory = WorkerMemory()
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
            self._count(policy, caller, None)

    def tell(self, response: Response) -> Response:
        """Add the headers."""
        standing: Standing | None = g.get("rate_standing")
        if standing is None:
            return response
        policy, now = standing.policy, time.time()
        headers = response.headers
        headers.add("RateLimit-Policy", policy.described)
        left = [f"{name};r={left};t={_whole(end - now)}" for name, left, end in standing.left]
        headers.add("RateLimit", ", ".join(left))
        return response

    def _store(self) -> RateLimiter | None:
        return None if time.monotonic() < self._shared_rests_until else self._shared

    def _count(self, policy: Policy, caller: str, shared: RateLimiter | None) -> None:
        standing = g.rate_standing = Standing(policy, [])
        for name, item in policy.items:
            if shared is None:
                count, seconds = self._memory.take(f"{name}{caller}", item.get_expiry())
                left, end = item.amount - count, time.time() + seconds
            else:
                within = shared.hit(item, policy.kind, caller)
                end, left = shared.get_window_stats(item, policy.kind, caller)
                left = left if within else -1
            standing.left.append((name, max(0, left), end))
            if left < 0:
                raise _refusal(policy, item, end)

    def _caller(self) -> tuple[Policy, str]:
        address = _network(request.remote_addr or "unknown")
        header = request.environ.get("HTTP_AUTHORIZATION")
        if header is None:
            return self._addresses, address
        key = _digest(header)
        if self._known_keys.get(key, 0.0) > time.monotonic():
            return self._keys, key
        try:
            valid = self._verify(header)
        except DatabaseProblem:
            # Nobody knows, and nothing can be done with it.
            valid = None
        if valid is None:
            return self._addresses, address
        if not valid:
            return self._unknown_keys, address
        if len(self._known_keys) >= CALLERS_MAX:
            self._known_keys.clear()
        self._known_keys[key] = time.monotonic() + KEY_KNOWN_SECONDS
        return self._keys, key


def limit_rates(app: Flask, settings: Settings, verify: Verify) -> None:
    """Register the limits with `app`, unless all are off. Raises ConfigurationError.

    `verify` looks a key up by its hash; a key is asked for again after KEY_KNOWN_SECONDS.
    """
    if settings.rate_limits or settings.key_rate_limits:
        limits = Limits(app, settings, verify)
        app.before_request(limits.check)
        app.after_request(limits.tell)


def _counting(app: Flask, store: str) -> RateLimiter:
    """Counting in a store that all workers share. Raises ConfigurationError."""
    limiter = Limiter(
        lambda: request.remote_addr or "unknown",
        storage_uri=store,
        storage_options={"socket_timeout": STORE_PATIENCE_SECONDS},
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


_WHOSE = {
    "address": "from this address",
    "key": "with this key",
    "unknown-key": "from this address with keys that are not known, or have been revoked",
}


def _refusal(policy: Policy, item: RateLimitItem, end: float) -> Problem:
    return Problem(
        "RATE_LIMITED",
        f"More than {item.amount} requests in a {item.GRANULARITY.name} {_WHOSE[policy.kind]}.",
        headers={"Retry-After": str(max(1, _whole(end - time.time())))},
    )


def _whole(seconds: float) -> int:
    return max(0, math.ceil(seconds))


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
        found = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    # A server that listens on :: sees all of IPv4 within one /64.
    mapped = found.ipv4_mapped
    return str(mapped or ipaddress.IPv6Network((found, 64), strict=False))
