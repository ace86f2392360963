"""Cells that a spreadsheet would run as a formula, made harmless and back again."""

from __future__ import annotations

import re

# Some spreadsheets take the wide signs of East Asian keyboards for the plain ones.
_BEGINS = r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
_RUNS = re.compile(f"'*{_BEGINS}")
_GUARDED = re.compile(f"''*{_BEGINS}")


def guarded(text: str) -> str:
    """The text behind an apostrophe if a spreadsheet could take it for a formula."""
    return f"'{text}" if _RUNS.match(text) else text


def unguarded(text: str) -> str:
    """What `guarded` was given."""
    return text[1:] if _GUARDED.match(text) else text
