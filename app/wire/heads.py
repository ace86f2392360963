"""What can be wrong with a request before its meaning is looked at: its address and its Host."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import unquote_to_bytes

from flask import Flask, Request, request

from app.errors import InvalidRequest

# Granian itself refuses what is longer than 64 KiB, without a word.
ADDRESS_CHARACTERS_MAX = 8_000
_NAME_SHOWN_MAX = 100
_HOST = re.compile(r"[A-Za-z0-9._~-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
_BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
# HTTP/1.0 knows no Host, and a balancer may ask for health in it. granian writes it the short way.
_WITHOUT_HOST = frozenset({"HTTP/1", "HTTP/1.0"})
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def refuse_odd_heads(app: Flask) -> None:
    """Refuse requests to `app` whose address is too long or whose Host is none, or several."""
    app.before_request(_refuse_odd_head)


def _refuse_odd_head() -> None:
    given = request.environ
    host = given.get("HTTP_HOST", "")
    if not _HOST.fullmatch(host) and (host or given["SERVER_PROTOCOL"] not in _WITHOUT_HOST):
        raise InvalidRequest({"Host": "Send one Host header with the name of this server."})
    length = len(given["PATH_INFO"]) + len(given["QUERY_STRING"])
    if length > ADDRESS_CHARACTERS_MAX:
        raise InvalidRequest(
            {"address": f"Has {length} characters; {ADDRESS_CHARACTERS_MAX} are the most."}
        )


def require_sound_query(given: Request, many: Collection[str] = ()) -> None:
    """Each parameter once and with a value, but those of `many`; properly encoded; no control
    characters. Raises InvalidRequest, which names the parameter.
    """
    seen = set()
    for piece in given.query_string.split(b"&"):
        if not piece:
            continue
        raw_name, _, raw_value = piece.partition(b"=")
        name, value = _decoded(raw_name), _decoded(raw_value)
        shown = "query" if name is None else name[:_NAME_SHOWN_MAX] or "query"
        if name is None or value is None:
            raise InvalidRequest({shown: "Not percent-encoded UTF-8; a % itself is written %25."})
        if _CONTROLS.search(name + value):
            raise InvalidRequest({shown: "Holds a control character: leave it out."})
        if not value and name not in many:
            raise InvalidRequest({shown: "Is empty: give it a value, or leave it out."})
        if name in seen and name not in many:
            raise InvalidRequest({shown: "Is given more than once: give it once."})
        seen.add(name)


def _decoded(raw: bytes) -> str | None:
    if _BAD_PERCENT.search(raw):
        return None
    try:
        return unquote_to_bytes(raw.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        return None
