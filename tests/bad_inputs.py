"""The bad inputs that are tried, and what each gets: kept here once, rendered to docs/api.

In an answer, … stands for anything.
"""
# ruff: noqa: RUF001  # Digits that only look like digits are among the inputs.
# ruff: noqa: FBT003  # So is true.

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

INVALID = "VALIDATION_ERROR"
MEGABYTES_10 = 10 * 1024 * 1024


@dataclass(frozen=True)
class Bad:
    """One input: what it is in words, what is sent, and the answer. `field` is named in `errors`,
    or at the beginning of the `detail` where a problem has no `errors`.
    """

    what: str
    sent: Any
    says: str
    field: str = ""
    status: int = 400
    code: str = INVALID
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def answer(self) -> str:
        """The answer, as the documentation shows it."""
        named = f"`{self.field}`: " if self.field else ""
        return f"{self.status} `{self.code}` {named}{self.says}"


# Whole bodies: to every call that takes one, and to every POST. `sent` makes one of the example.
Spoil = Callable[[dict[str, Any]], bytes]


def _text(content: bytes) -> Spoil:
    return lambda _: content


def _with(member: str, written: bytes) -> Spoil:
    """The example with one more member, written as it stands."""

    def spoil(example: dict[str, Any]) -> bytes:
        others = json.dumps(example).encode()[1:-1]
        return b"{" + others + b", " * bool(others) + f'"{member}": '.encode() + written + b"}"

    return spoil


def _twice(example: dict[str, Any]) -> bytes:
    return b'{"name": "a", "name": "b"' + (b", " + json.dumps(example).encode()[1:]).replace(
        b", }", b"}"
    )


NESTED = b'{"a":' * 40 + b"1" + b"}" * 40
NO_TEXT = "Holds a character that is no text (NUL or a surrogate)."
TOO_DEEP = "Nested too deeply: 32 levels are the most."
JSON = (("Content-Type", "application/json"),)
MEDIA = {"status": 415, "code": "UNSUPPORTED_MEDIA_TYPE", "field": "Content-Type"}

BODIES = [
    Bad("`{`", _text(b"{"), "Not JSON: … at line 1, column 2.", "body"),
    Bad("`{'a': 1}`", _text(b"{'a': 1}"), "Not JSON: … at line 1, column 2.", "body"),
    Bad("a blank", _text(b" "), "Not JSON: … at line 1, column 2.", "body"),
    Bad("`{}{}`", _text(b"{}{}"), "Not JSON: Extra data at line 1, column 3.", "body"),
    Bad('`{"a": 1,}`', _text(b'{"a": 1,}'), "Not JSON: … at line 1, column …", "body"),
    Bad(
        "a byte order mark before it",
        _text(b"\xef\xbb\xbf{}"),
        "Not JSON: Unexpected UTF-8 BOM at line 1, column 1.",
        "body",
    ),
    Bad("bytes that are no UTF-8", _text(b'{"a": "\xff\xfe"}'), "Not UTF-8.", "body"),
    Bad("UTF-16", _text('{"a": 1}'.encode("utf-16-le")), "Not …", "body"),
    Bad("`[]`", _text(b"[]"), "Must be a JSON object.", "body"),
    Bad("`null`", _text(b"null"), "Must be a JSON object.", "body"),
    Bad("`42`", _text(b"42"), "Must be a JSON object.", "body"),
    Bad('`"text"`', _text(b'"text"'), "Must be a JSON object.", "body"),
    Bad(
        "`NaN`",
        _with("x", b"NaN"),
        "Not what JSON should hold: NaN is no JSON number.",
        "body",
    ),
    Bad(
        "`-Infinity`",
        _with("x", b"-Infinity"),
        "Not what JSON should hold: -Infinity is no JSON number.",
        "body",
    ),
    Bad(
        "`1e999`",
        _with("x", b"1e999"),
        "Not what JSON should hold: a number is too large.",
        "body",
    ),
    Bad(
        "a number of 5,000 digits",
        _with("x", b"9" * 5_000),
        "Not what JSON should hold: a number has too many digits.",
        "body",
    ),
    Bad(
        "a member given twice",
        _twice,
        "Not what JSON should hold: an object has two members of one name.",
        "body",
    ),
    Bad("40 levels deep", _with("x", NESTED), TOO_DEEP, "body"),
    Bad("100,000 open brackets", _text(b"[" * 100_000), TOO_DEEP, "body"),
    Bad("an unknown member", _with("xyzzy", b"1"), "Unknown: …leave it out.", "xyzzy"),
    Bad("an unknown member whose name is empty", _with("", b"1"), "Unknown: …", "body"),
    Bad("an unknown member `$ref`", _with("$ref", b'"x"'), "Unknown: …leave it out.", "$ref"),
    Bad("an unknown member `__proto__`", _with("__proto__", b"{}"), "Unknown: …", "__proto__"),
    Bad("`\\u0000` in a text", _with("x", b'"a\\u0000b"'), NO_TEXT, "x"),
    Bad("half a surrogate pair in a text", _with("x", b'"\\ud800"'), NO_TEXT, "x"),
    Bad("a surrogate pair the wrong way round", _with("x", b'"\\udc00\\ud800"'), NO_TEXT, "x"),
    Bad("`\\u0000` in a name", _with("\\u0000", b"1"), NO_TEXT, "body"),
    Bad("a raw NUL in a text", _with("x", b'"a\x00b"'), "Not JSON: …", "body"),
    Bad(
        "10 MB",
        _with("x", b'"' + b"x" * MEGABYTES_10 + b'"'),
        "The body may have at most … bytes here.",
        status=413,
        code="PAYLOAD_TOO_LARGE",
    ),
    Bad(
        "a form",
        _text(b"a=1&b=2"),
        "the body calls itself application/x-www-form-urlencoded, not JSON.",
        headers=(("Content-Type", "application/x-www-form-urlencoded"),),
        **MEDIA,
    ),
    Bad(
        "JSON that calls itself `text/plain`",
        _text(b"{}"),
        "the body calls itself text/plain, not JSON.",
        headers=(("Content-Type", "text/plain"),),
        **MEDIA,
    ),
    Bad(
        "JSON without a Content-Type",
        _text(b"{}"),
        "the body does not say that it is JSON.",
        headers=(("Content-Type", ""),),
        **MEDIA,
    ),
    Bad(
        "a Content-Type of nonsense",
        _text(b"{}"),
        "the body …",
        headers=(("Content-Type", ";;"),),
        **MEDIA,
    ),
    Bad(
        "`charset=utf-16`",
        _text(b"{}"),
        "JSON is in UTF-8, not utf-16.",
        headers=(("Content-Type", "application/json; charset=utf-16"),),
        **MEDIA,
    ),
    Bad(
        "a compressed body",
        _text(b"\x1f\x8b\x08\x00"),
        "bodies are not taken compressed (gzip).",
        headers=(("Content-Encoding", "gzip"), *JSON),
        **{**MEDIA, "field": "Content-Encoding"},
    ),
]

# One member of the right body, or one parameter of the right address, by its kind.
OFFSET = "Needs an offset from UTC, such as Z or +01:00."
NO_TIME = "Not a time as RFC 3339 writes it, such as 2026-03-02T09:00:00+01:00."
YEARS = "Must be between the years 1900 and 2999."
NUMBER, BETWEEN = "Must be a whole number, such as 2.", "Must be …"
TEXT, CONTROL = "Must be a text.", "Holds a control character: leave it out."
ID = "Must be an id (UUID), such as 01980000-0000-7000-8000-000000000001."
MAIL = "Must be an e-mail address, such as ada@example.org."
NOT_IN_MAIL = "Holds a character that no e-mail address has:"
ZONE = "Not a time zone of the IANA database, as Europe/Berlin is."
DAY = "Must be a day, such as 2031-03-03."
SWITCH, CHOICE = "Must be true or false.", "Must be one of: …"
LENGTH, NULL, OBJECT = "Length must be …", "May not be null.", "Must be a JSON object."

MEMBERS: dict[str, list[Bad]] = {
    "a time": [
        Bad('`"2031-03-03T09:00:00"`: no offset', "2031-03-03T09:00:00", OFFSET),
        Bad("the year 9999", "9999-12-31T23:59:59Z", YEARS),
        Bad("the year 0001", "0001-01-01T00:00:00+01:00", NO_TIME),
        Bad("the year -1", "-001-01-01T00:00:00Z", NO_TIME),
        Bad("the year 0000", "0000-01-01T00:00:00Z", NO_TIME),
        Bad("the 30th of February", "2031-02-30T09:00:00Z", NO_TIME),
        Bad("25 o'clock", "2031-03-03T25:00:00Z", NO_TIME),
        Bad("an offset of 99 hours", "2031-03-03T09:00:00+99:00", NO_TIME),
        Bad("a day", "2031-03-03", NO_TIME),
        Bad('`"tomorrow"`', "tomorrow", NO_TIME),
        Bad('`""`', "", NO_TIME),
        Bad("digits of another script", "２０３１-03-03T09:00:00Z", NO_TIME),
        Bad("seconds since 1970", 1_930_000_000, NO_TIME),
        Bad("`true`", True, NO_TIME),
        Bad("`{}`", {}, NO_TIME),
        Bad("`null`, where there must be one", None, NULL),
    ],
    "a day": [
        Bad('`"2031-02-30"`', "2031-02-30", DAY),
        Bad('`"20310303"`', "20310303", DAY),
        Bad('`"2031-03-03T00:00:00Z"`', "2031-03-03T00:00:00Z", DAY),
        Bad("the year 9999", "9999-12-31", DAY),
        Bad('`"today"`', "today", DAY),
        Bad('`""`', "", DAY),
        Bad("`20310303`", 20_310_303, DAY),
        Bad("`null`, where there must be one", None, NULL),
    ],
    "a whole number": [
        Bad("`-1`", -1, BETWEEN),
        Bad("`0`, where 1 is the least", 0, BETWEEN),
        Bad("one more than the most", "most + 1", BETWEEN),
        Bad("`100000000000` (10¹¹)", 10**11, BETWEEN),
        Bad("`1.5`", 1.5, NUMBER),
        Bad('`"2"`', "2", NUMBER),
        Bad("`true`", True, NUMBER),
        Bad("`[]`", [], NUMBER),
        Bad("`null`, where there must be one", None, NULL),
    ],
    "an id": [
        Bad('`"x"`', "x", ID),
        Bad('`""`', "", ID),
        Bad("`5`", 5, ID),
        Bad("`{}`", {}, ID),
    ],
    "a name or another short text": [
        Bad("`5`", 5, TEXT),
        Bad("`true`", True, TEXT),
        Bad("`[]`", [], TEXT),
        Bad('`""`', "", LENGTH),
        Bad("blanks", "   ", LENGTH),
        Bad("one character more than the most", "too long", LENGTH),
        Bad("a bell (U+0007)", "Ada\x07", CONTROL),
        Bad("a line break", "Ada\nLovelace", CONTROL),
        Bad("a tab", "Ada\tLovelace", CONTROL),
        Bad("an escape sequence", "\x1b[31mAda", CONTROL),
        Bad("a control character above ASCII (U+0085)", "Ada\x85Lovelace", CONTROL),
        Bad("`null`, where there must be one", None, NULL),
    ],
    "notes, an address or a reason": [
        Bad("`5`", 5, TEXT),
        Bad("one character more than the most", "too long", LENGTH),
        Bad("a bell (U+0007); line breaks and tabs are fine", "Ada\x07", CONTROL),
    ],
    "an e-mail address": [
        Bad('`"ada"`', "ada", MAIL),
        Bad('`"ada@"`', "ada@", MAIL),
        Bad('`"a@b@example.org"`', "a@b@example.org", MAIL),
        Bad('`"\\"ada\\"@example.org"`', '"ada"@example.org', MAIL),
        Bad("a line break in it", "ada@example.org\nBcc: all", f"{NOT_IN_MAIL} U+000A."),
        Bad("a zero-width space in it", "ada@exam\u200bple.org", f"{NOT_IN_MAIL} U+200B."),
        Bad("a full-width letter in it", "ａda@example.org", f"{NOT_IN_MAIL} U+FF41."),
        Bad("`5`", 5, MAIL),
    ],
    "a telephone number": [
        Bad('`"call me"`', "call me", "Not a telephone number, such as +44 20 7946 0123."),
        Bad('`"12"`', "12", "Not a telephone number, such as +44 20 7946 0123."),
        Bad("`5550199123`", 5_550_199_123, TEXT),
    ],
    "a currency": [
        Bad('`"eur"`', "eur", "Not a currency code, as EUR is."),
        Bad('`"EURO"`', "EURO", "Not a currency code, as EUR is."),
        Bad('`"EUR\\n"`', "EUR\n", "Not a currency code, as EUR is."),
        Bad('`""`', "", "Not a currency code, as EUR is."),
    ],
    "a time zone": [
        Bad('`"Mars/Olympus"`', "Mars/Olympus", ZONE),
        Bad('`"localtime"`', "localtime", ZONE),
        Bad('`"Factory"`', "Factory", ZONE),
        Bad('`"posixrules"`', "posixrules", ZONE),
        Bad('`"europe/berlin"`', "europe/berlin", ZONE),
        Bad('`"+01:00"`', "+01:00", ZONE),
        Bad('`"../../etc/passwd"`', "../../etc/passwd", ZONE),
        Bad('`""`', "", ZONE),
    ],
    "true or false": [
        Bad('`"yes"`', "yes", SWITCH),
        Bad('`"true"`', "true", SWITCH),
        Bad("`1`", 1, SWITCH),
    ],
    "one of several words": [
        Bad('`"nonsense"`', "nonsense", CHOICE),
    ],
    "a list": [
        Bad("`{}`", {}, "Must be a JSON list."),
        Bad('`"x"`', "x", "Must be a JSON list."),
        Bad("`[]`, where there must be one item", [], LENGTH),
        Bad("one item more than the most", "too many", LENGTH),
    ],
    "an object": [
        Bad("`[]`", [], OBJECT),
        Bad('`"x"`', "x", OBJECT),
        Bad("`5`", 5, OBJECT),
    ],
}

PARAMETERS: dict[str, list[Bad]] = {
    "a time": [
        Bad("no offset", "2031-03-03T09:00:00", OFFSET),
        Bad("the year 9999", "9999-12-31T23:59:59Z", YEARS),
        Bad("the year -1", "-001-01-01T00:00:00Z", NO_TIME),
        Bad("`tomorrow`", "tomorrow", NO_TIME),
    ],
    "a day": [
        Bad("`9999-12-31`", "9999-12-31", "Must be a day, such as …"),
        Bad("`2031-02-30`", "2031-02-30", "Must be a day, such as …"),
        Bad("`20310303`", "20310303", "Must be a day, such as …"),
        Bad("`today`", "today", "Must be a day, such as …"),
    ],
    "a whole number": [
        Bad("`0`", "0", BETWEEN),
        Bad("`-1`", "-1", BETWEEN),
        Bad("`10000000000`", "10000000000", BETWEEN),
        Bad("`1.5`", "1.5", NUMBER),
        Bad("`1_0`", "1_0", NUMBER),
        Bad("`１` (full width)", "１", NUMBER),
        Bad("`many`", "many", NUMBER),
    ],
    "an id": [Bad("`x`", "x", ID)],
    "true or false": [Bad("`perhaps`", "perhaps", SWITCH)],
    "one of several words": [Bad("`nonsense`", "nonsense", "…")],
    "a cursor": [
        Bad("`x`", "x", "Not a cursor of this list with these filters: …"),
        Bad("one made up", "W10" * 12, "Not a cursor of this list with these filters: …"),
        Bad("one of 5,000 characters", "A" * 5_000, "Not a cursor of this list …"),
    ],
}
