"""Bad addresses, queries, headers and bytes: the second half of what tests.bad_inputs begins."""

from __future__ import annotations

from tests.bad_inputs import CONTROL, Bad

# The whole query of an address, to every list. `sent` is what is added to it.
QUERIES = [
    Bad("an unknown parameter", "nonsense=1", "Unknown: leave it out.", "nonsense"),
    Bad("a misspelt parameter", "limits=5", "Unknown: did you mean limit?", "limits"),
    Bad(
        "a parameter given twice",
        "limit=5&limit=6",
        "Is given more than once: give it once.",
        "limit",
    ),
    Bad("an empty value", "limit=", "Is empty: give it a value, or leave it out.", "limit"),
    Bad(
        "bad percent-encoding (`%zz`)",
        "limit=%zz",
        "Not percent-encoded UTF-8; a % itself is written %25.",
        "limit",
    ),
    Bad(
        "bytes that are no UTF-8 (`%ff`)",
        "cursor=%ff",
        "Not percent-encoded UTF-8; a % itself is written %25.",
        "cursor",
    ),
    Bad(
        "a surrogate (`%ed%a0%80`)",
        "cursor=%ed%a0%80",
        "Not percent-encoded UTF-8; a % itself is written %25.",
        "cursor",
    ),
    Bad("NUL (`%00`)", "cursor=a%00", CONTROL, "cursor"),
    Bad("a line break (`%0d%0a`)", "cursor=a%0d%0ab", CONTROL, "cursor"),
    Bad(
        "an address of 9,000 characters",
        "cursor=" + "a" * 9_000,
        "Has … characters; 8000 are the most.",
        "address",
    ),
]
# To every call that takes no query at all.
NO_QUERY = [
    Bad("a parameter", "x=1", "Unknown: this call takes none; leave it out.", "x"),
]

KEY = (
    "Needs 16 to 255 printable ASCII characters without blanks and commas, bare or in double"
    " quotes."
)
ETAG = 'Send one ETag as it was received, such as "3".'
IDEMPOTENCY_KEYS = [
    Bad("15 characters", "a" * 15, KEY, "Idempotency-Key"),
    Bad("256 characters", "a" * 256, KEY, "Idempotency-Key"),
    Bad("nothing", "", KEY, "Idempotency-Key"),
    Bad("a blank within", "aaaaaaaa aaaaaaaa", KEY, "Idempotency-Key"),
    Bad("one quote only", '"aaaaaaaaaaaaaaaaaaaa', KEY, "Idempotency-Key"),
    Bad("letters beyond ASCII", "ä" * 20, KEY, "Idempotency-Key"),
    Bad("the header twice (a comma within)", "a" * 20 + "," + "b" * 20, KEY, "Idempotency-Key"),
]
IF_MATCHES = [
    Bad("`3`: no quotes", "3", ETAG, "If-Match"),
    Bad('`"3", "4"`', '"3", "4"', ETAG, "If-Match"),
    Bad("nothing", "", ETAG, "If-Match"),
    Bad("letters beyond ASCII", '"é', ETAG, "If-Match"),
]
ANY_HEADERS = [
    Bad(
        "`Accept: text/html`",
        ("Accept", "text/html"),
        "Answers come as application/json.",
        status=406,
        code="NOT_ACCEPTABLE",
    ),
    Bad(
        "`Authorization: Bearer nonsense`",
        ("Authorization", "Bearer nonsense"),
        "…",
        status=401,
        code="UNAUTHENTICATED",
    ),
    Bad(
        "`Authorization: Basic …`",
        ("Authorization", "Basic YWRhOmxvdmVsYWNl"),
        "…",
        status=401,
        code="UNAUTHENTICATED",
    ),
    Bad(
        "`Authorization` of 5,000 characters",
        ("Authorization", "Bearer sk_" + "A" * 5_000),
        "…",
        status=401,
        code="UNAUTHENTICATED",
    ),
    Bad(
        "`Host: a/b`", ("Host", "a/b"), "Send one Host header with the name of this server.", "Host"
    ),
]

# Bytes that no HTTP client sends. {path} and {credentials} are put in; (CR LF) ends each line.
# Where the code is empty the server's HTTP layer itself answers, with no body, and hangs up.
HOST = "Send one Host header with the name of this server."
_POST = (
    "POST {path}/locations HTTP/1.1\r\nHost: here\r\n{credentials}"
    "Content-Type: application/json\r\n"
)
_GET = "GET {path} HTTP/1.1\r\nHost: here\r\n"
RAW = [
    Bad(
        "two Content-Lengths that differ",
        _POST + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "",
        code="",
    ),
    Bad("`Content-Length: 2, 2`", _POST + "Content-Length: 2, 2\r\n\r\n{}", "", code=""),
    Bad("`Content-Length: -1`", _POST + "Content-Length: -1\r\n\r\n{}", "", code=""),
    Bad("`Content-Length: +2`", _POST + "Content-Length: +2\r\n\r\n{}", "", code=""),
    Bad(
        "a Content-Length of 20 digits",
        _POST + "Content-Length: " + "9" * 20 + "\r\n\r\n{}",
        "",
        code="",
    ),
    Bad(
        "`Transfer-Encoding: xchunked`",
        _POST + "Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        "",
        code="",
    ),
    Bad(
        "`Transfer-Encoding: chunked, identity`",
        _POST + "Transfer-Encoding: chunked, identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        "",
        code="",
    ),
    Bad(
        "a chunk whose length is no number",
        _POST + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        "Came in chunks that hold nothing, or cannot be read.",
        "body",
    ),
    Bad("a folded header (obs-fold)", _GET + "X-A: b\r\n c\r\n\r\n", "", code=""),
    Bad("NUL in a header", _GET + "X-A: b\0c\r\n\r\n", "", code=""),
    Bad("a bare CR in a header", _GET + "X-A: b\rc\r\n\r\n", "", code=""),
    Bad("a blank before a header's colon", _GET + "X-A : b\r\n\r\n", "", code=""),
    Bad("no Host", "GET {path} HTTP/1.1\r\n\r\n", HOST, "Host"),
    Bad("two Hosts", _GET + "Host: there\r\n\r\n", HOST, "Host"),
    Bad("a blank in the address", "GET {path} x HTTP/1.1\r\nHost: here\r\n\r\n", "", code=""),
    Bad("NUL in the address", "GET {path}\0 HTTP/1.1\r\nHost: here\r\n\r\n", "", code=""),
    Bad("HTTP/9.9", "GET {path} HTTP/9.9\r\nHost: here\r\n\r\n", "", code=""),
    Bad("TLS where none is spoken", "\x16\x03\x01\x02\x00\x01\r\n\r\n", "", code=""),
    Bad(
        "an address of 70,000 characters",
        "GET {path}?x=" + "a" * 70_000 + " HTTP/1.1\r\nHost: here\r\n\r\n",
        "",
        status=414,
        code="",
    ),
    Bad(
        "200 headers",
        _GET + "".join(f"X-{n}: a\r\n" for n in range(200)) + "\r\n",
        "",
        status=431,
        code="",
    ),
    Bad(
        "`Idempotency-Key` twice",
        _POST + f"Idempotency-Key: {'a' * 20}\r\nIdempotency-Key: {'b' * 20}\r\n"
        "Content-Length: 37\r\n\r\n"
        '{{"name":"x","time_zone":"Asia/Tokyo"}}',
        KEY,
        "Idempotency-Key",
    ),
    Bad(
        "`Authorization` twice",
        "GET {path} HTTP/1.1\r\nHost: here\r\n{credentials}{credentials}\r\n",
        "…",
        status=401,
        code="UNAUTHENTICATED",
    ),
]

ADDRESSES = [
    Bad(
        "an id that is none", "/locations/x", "There is nothing at …", status=404, code="NOT_FOUND"
    ),
    Bad(
        "an id of 9,000 characters",
        "/locations/" + "a" * 9_000,
        "Has … characters; 8000 are the most.",
        "address",
    ),
    Bad("`..`", "/../../../../etc/passwd", "There is nothing at …", status=404, code="NOT_FOUND"),
    Bad("`%2e%2e`", "/locations/%2e%2e/x", "There is nothing at …", status=404, code="NOT_FOUND"),
    Bad("NUL in a name (`%00`)", "%00", "…", status=404, code="VENDOR_NOT_FOUND"),
    Bad(
        "bytes that are no UTF-8 in a name (`%ff`)", "%ff", "…", status=404, code="VENDOR_NOT_FOUND"
    ),
    Bad("bad percent-encoding in a name (`%zz`)", "%zz", "…", status=404, code="VENDOR_NOT_FOUND"),
    Bad("a doubled slash", "//locations", "There is nothing at …", status=404, code="NOT_FOUND"),
]
