"""Logs are one JSON object a line, carry the request's id, and hold nothing a customer typed."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


def _logged(script: str, *arguments: str) -> list[dict[str, str]]:
    """The lines that a process of its own logs: logging is set up once for a process."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *arguments],
        check=True,
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
    )
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_our_lines_and_those_of_libraries_have_one_form_and_the_requests_id():
    ours, theirs = _logged("""
        import logging
        import structlog
        from app import logs

        logs.configure("info", "json")
        structlog.contextvars.bind_contextvars(request_id="r-1")
        structlog.get_logger("ours").info("refused", code="BOOKING_CONFLICT")
        structlog.get_logger("ours").debug("too quiet to hear")
        logging.getLogger("theirs").warning("%s is old", "this")
    """)
    assert ours["event"] == "refused"
    assert ours["code"] == "BOOKING_CONFLICT"
    assert theirs["event"] == "this is old"
    assert [line["request_id"] for line in (ours, theirs)] == ["r-1", "r-1"]
    assert [line["level"] for line in (ours, theirs)] == ["info", "warning"]
    assert ours["timestamp"].endswith("Z")


def test_an_error_of_the_database_is_logged_without_the_row_it_quotes(postgres):
    lines = _logged(
        """
        import logging, sys
        import psycopg
        import sqlalchemy as sa
        from app import logs
        from app.config import sqlalchemy_url

        logs.configure("info", "json")
        insert = "INSERT INTO person VALUES ('Ada Secret')"
        with psycopg.connect(sys.argv[1], autocommit=True) as connection:
            connection.execute("CREATE TEMPORARY TABLE person (name text CHECK (name = 'x'))")
            try:
                try:
                    connection.execute(insert)
                except psycopg.Error as error:
                    assert "Ada Secret" in str(error)
                    raise RuntimeError("could not keep the person") from error
            except RuntimeError:
                logging.getLogger("ours").exception("failed")
        engine = sa.create_engine(sqlalchemy_url(sys.argv[1]), poolclass=sa.NullPool)
        cast = sa.text("SELECT CAST(:name AS integer)")
        with engine.connect() as connection:
            try:
                connection.execute(cast, {"name": "Ada Secret"})
            except sa.exc.DBAPIError as error:
                assert "Ada Secret" in str(error)
                logging.getLogger("ours").exception("failed")
        """,
        postgres.owner_url(),
    )
    assert "Ada Secret" not in json.dumps(lines)
    assert "CheckViolation: SQLSTATE 23514, constraint person_name_check" in lines[0]["exception"]
    assert "RuntimeError: could not keep the person" in lines[0]["exception"]
    assert "SQLSTATE 22P02" in lines[1]["exception"]


def test_an_error_during_a_request_is_logged_without_its_message_but_with_its_place():
    during, outside = _logged("""
        import logging
        import structlog
        from app import logs

        logs.configure("info", "json")

        def fail():
            try:
                int("Ada Secret")
            except ValueError:
                structlog.get_logger("ours").exception("unexpected")

        structlog.contextvars.bind_contextvars(request_id="r-1")
        fail()
        structlog.contextvars.clear_contextvars()
        fail()
    """)
    assert "Ada Secret" not in json.dumps(during)
    assert "in fail" in during["exception"]
    assert "ValueError: (message withheld)" in during["exception"]
    assert "ValueError: invalid literal" in outside["exception"]


def test_the_settings_do_not_show_their_secrets():
    from app.config import Settings

    shown = repr(
        Settings(database_url="postgresql://a:password1@h/d", secret_key="key-1" * 8, port=8001)
    )
    assert "8001" in shown
    assert "password1" not in shown
    assert "key-1" not in shown
