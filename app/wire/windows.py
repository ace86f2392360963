"""How long a window of time may be that a list is asked for."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.errors import Problem

WINDOW_DAYS_MAX = 92


def require_window(start: datetime, end: datetime) -> None:
    """A window that ends after it begins and is not too long. Raises INVALID_DATE_RANGE."""
    if end <= start:
        raise Problem("INVALID_DATE_RANGE", "to: The end must be after the start.")
    if end - start > timedelta(days=WINDOW_DAYS_MAX):
        raise Problem(
            "INVALID_DATE_RANGE",
            f"to: A window has at most {WINDOW_DAYS_MAX} days.",
            hint="Ask for a shorter time, several times.",
        )
