"""How long a window of time may be that a list is asked for."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.errors import Problem

WINDOW_DAYS_MAX = 92


def require_order(start: datetime | None, end: datetime | None) -> None:
    """An end after the start, where both are given. Raises INVALID_DATE_RANGE."""
    if start is not None and end is not None and end <= start:
        raise Problem("INVALID_DATE_RANGE", "to: The end must be after the start.")


def require_window(start: datetime, end: datetime) -> None:
    """A window that ends after it begins and is not too long. Raises INVALID_DATE_RANGE."""
    require_order(start, end)
    if end - start > timedelta(days=WINDOW_DAYS_MAX):
        raise Problem(
            "INVALID_DATE_RANGE",
            f"to: A window has at most {WINDOW_DAYS_MAX} days.",
            hint="Ask for a shorter time, several times.",
        )
