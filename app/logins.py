"""Why a server did not let us in: the SQLSTATE of a refused connection, which libpq does not tell.

What psycopg raises then has a sentence in the server's language and no code. Only after such an
error, a second attempt is made for its code alone: libpq can be told to say nothing else.
"""

from __future__ import annotations

import ctypes
import re
import select
import time
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import conninfo, pq

PATIENCE_SECONDS = 2.0
# What psycopg takes beside libpq's parameters.
_NOT_OF_LIBPQ = {"autocommit", "context", "cursor_factory", "prepare_threshold", "row_factory"}
_PQERRORS_SQLSTATE = 3
_CODE = re.compile(r":\s+([0-9A-Z]{5})\s*$")
_ADVICE = {
    "28P01": "The password in {setting} is wrong or missing: compare it with the role's.",
    "28000": "The role in {setting} may not log in: there is none of this name, it has no LOGIN, or"
    " pg_hba.conf does not let it in from here.",
    "3D000": "There is no database of the name in {setting}: correct it, or create the database"
    " and run slotkeeper migrate.",
    "42501": "The role in {setting} may not connect to this database: GRANT CONNECT ON DATABASE.",
    "53300": "The server has no connection to give to the role in {setting}.",
    "55000": "The database in {setting} takes no connections (ALLOW_CONNECTIONS false).",
}


class NoLoginError(psycopg.OperationalError):
    """No connection was made. `sqlstate`: why, as the server said; None without an answer."""

    def __init__(self, message: str, sqlstate: str | None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


def dial(dialect: Any, words: Any, named: Any) -> Any:
    """A new connection. Raises NoLoginError where the server said why not, or psycopg's error."""
    try:
        return dialect.connect(*words, **named)
    except psycopg.errors.ConnectionTimeout:
        raise
    except psycopg.OperationalError as error:
        state = error.sqlstate or sqlstate_of_refusal(*words, **named)
        if state is None:
            raise
        raise NoLoginError(str(error), state) from error


def advice(sqlstate: str | None, setting: str = "DATABASE_URL") -> str | None:
    """What an operator can do about a refused connection: no role's name, no password."""
    known = _ADVICE.get(sqlstate or "")
    return known and f"{known.format(setting=setting)} (SQLSTATE {sqlstate})"


def sqlstate_of_refusal(text: str = "", **parameters: Any) -> str | None:
    """The SQLSTATE with which a server refuses this connection, found by asking for it again.

    None: it does not refuse, does not answer in PATIENCE_SECONDS, or libpq cannot be told to say.
    """
    library = _libpq()
    if library is None:
        return None
    given = {name: value for name, value in parameters.items() if name not in _NOT_OF_LIBPQ}
    connection = pq.PGconn.connect_start(conninfo.make_conninfo(text, **given).encode())
    try:
        # Every implementation of psycopg's has it; the protocol that describes them does not.
        pointer = getattr(connection, "pgconn_ptr", None)
        if pointer is None:
            return None
        library.PQsetErrorVerbosity(ctypes.c_void_p(pointer), _PQERRORS_SQLSTATE)
        if not _fails(connection):
            return None
        # The server wants a password, and libpq has none to send: it ends the attempt by itself.
        if connection.needs_password:
            return "28P01"
        said = _CODE.search(connection.get_error_message())
        return said.group(1) if said else None
    finally:
        connection.finish()


def _fails(connection: pq.abc.PGconn) -> bool:
    """Go on with the attempt to its end; whether that is a failure, within the time allowed."""
    until = time.monotonic() + PATIENCE_SECONDS
    while connection.status != pq.ConnStatus.BAD:
        status = connection.connect_poll()
        if status not in {pq.PollingStatus.READING, pq.PollingStatus.WRITING}:
            return status == pq.PollingStatus.FAILED
        wanted = select.POLLIN if status == pq.PollingStatus.READING else select.POLLOUT
        poll = select.poll()
        poll.register(connection.socket, wanted)
        if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
            return False
    return True


@cache
def _libpq() -> ctypes.CDLL | None:
    """The very library that psycopg uses: it has no Python function for what is needed of it."""
    try:
        maps = Path("/proc/self/maps").read_text(encoding="utf-8")
        found = re.search(r"(/\S*/libpq[-.]\S*)$", maps, re.MULTILINE)
        library = ctypes.CDLL(found.group(1)) if found else None
    except OSError:
        return None
    return library if library and hasattr(library, "PQsetErrorVerbosity") else None
