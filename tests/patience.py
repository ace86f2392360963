"""Waits for what must happen, for as long as a busy machine may need and no longer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_SECONDS = 60
# Of a session that must not give up while the test gets others to where they have to be.
PATIENT = f"-c lock_timeout={PATIENCE_SECONDS}s -c statement_timeout={PATIENCE_SECONDS}s"
Found = TypeVar("Found")


def wait_until(
    happened: Callable[[], Found],
    complaint: str | Callable[[], str],
    *,
    seconds: float = PATIENCE_SECONDS,
    every: float = 0.002,
) -> Found:
    """What `happened` answers, once that is true; fails with the complaint after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := happened()):
        if time.monotonic() >= deadline:
            raise AssertionError(complaint if isinstance(complaint, str) else complaint())
        time.sleep(every)
    return found
