"""No sessions: every call brings its own credentials, and no cookie is read or written."""

from __future__ import annotations

from flask import Flask, Request
from flask.sessions import NullSession, SessionInterface


class NoSessions(SessionInterface):
    """Spares each request the signing machinery that Flask sets up for a cookie nobody sends."""

    _none = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:
        """Always the same, which holds nothing and takes nothing."""
        del app, request
        return self._none
