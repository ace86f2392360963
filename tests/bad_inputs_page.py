"""Renders the bad inputs to docs/api/bad-input.md: `python -m tests.bad_inputs_page` prints it."""
# ruff: noqa: E501  # The page's own lines are as long as the documentation's others.

from __future__ import annotations

from tests.bad_calendars import CALENDARS
from tests.bad_inputs import BODIES, MEMBERS, PARAMETERS, Bad
from tests.bad_requests import (
    ADDRESSES,
    ANY_HEADERS,
    IDEMPOTENCY_KEYS,
    IF_MATCHES,
    NO_QUERY,
    QUERIES,
    RAW,
)


def _rows(call: str, given: list[Bad]) -> list[str]:
    return [f"| {bad.what.replace('|', '&#124;')} | {call} | {_cell(bad)} |" for bad in given]


def _cell(bad: Bad) -> str:
    if not bad.code:
        return f"{bad.status}, no body; the connection is closed"
    return bad.answer.replace("|", "&#124;")


def render() -> str:
    """docs/api/bad-input.md."""
    head = ["| input | call | answer |", "|---|---|---|"]
    members = [
        row for kind, given in MEMBERS.items() for row in _rows(f"a body with {kind}", given)
    ]
    queries = [
        row for kind, given in PARAMETERS.items() for row in _rows(f"an address with {kind}", given)
    ]
    headers = _rows("every POST: `Idempotency-Key`", IDEMPOTENCY_KEYS)
    headers += _rows("what has a version: `If-Match`", IF_MATCHES)
    sections = [
        ("Bodies", INTRODUCTIONS["bodies"], _rows("with a body, or POST", BODIES)),
        ("Calendars", INTRODUCTIONS["calendars"], _rows("`POST …/calendar`", CALENDARS)),
        ("Members of a body", INTRODUCTIONS["members"], members),
        ("Addresses", "", _rows("any", ADDRESSES)),
        (
            "Queries",
            INTRODUCTIONS["queries"],
            _rows("every list", QUERIES) + _rows("every call without a query", NO_QUERY) + queries,
        ),
        ("Headers", "", headers + _rows("every call", ANY_HEADERS)),
        ("Requests that are no HTTP", INTRODUCTIONS["raw"], _rows("any", RAW)),
    ]
    text = [TOP]
    for title, introduction, rows in sections:
        text += [f"## {title}", "", *([introduction, ""] if introduction else []), *head, *rows, ""]
    return "\n".join(text)


TOP = """# Bad input, and what it gets

Every row is sent to every call it can be sent to, those of the description, by the tests; this page is made of the same list, and what is said
here is what was answered. … stands for what depends on the call. Each answer is a problem document ([errors](errors.md)) that names the field: in
`errors`, or in `detail` before the colon. None is ever a 5xx.

Beside these, Schemathesis makes thousands of requests of the description itself.

| also refused | by |
|---|---|
| end not after start, windows too long | `INVALID_DATE_RANGE`, naming the end |
| a cursor of another list, of another vendor, or of the same list with other filters | `VALIDATION_ERROR`, naming `cursor` |
| a method that an address does not have | `METHOD_NOT_ALLOWED` and `Allow` |
"""
INTRODUCTIONS = {
    "bodies": "To every call that takes a body, and every other POST.",
    "calendars": "To the import of a calendar, which takes `text/calendar`. What is wrong with a file is told by its line.",
    "members": "The call's own example with one member changed; each member of each body that is of the kind.",
    "queries": "To every list, with whatever it needs besides; then each parameter of each address that is of the kind.",
    "raw": """What cannot be understood as HTTP/1.1 is answered before it reaches the application: by a bare status, without a body and so without a problem
document, and the connection is closed. Nothing that follows on it is read. So are headers of more than some 400 KiB (431).

Three things are taken that stricter servers refuse, each as RFC 9112 allows: a line that ends in LF alone; two equal `Content-Length`s; and
`Content-Length` beside `Transfer-Encoding: chunked`, where the latter decides and the connection is closed after the answer, so that nothing can be
smuggled behind it.""",
}

if __name__ == "__main__":
    print(render(), end="")
