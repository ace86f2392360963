"""A wrong address of the database is named as what it is: to operators, and to nobody else."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from app import migrate
from app.config import inherited_environment
from app.logins import sqlstate_of_refusal
from tests.patience import wait_until

SECRET = "not-the-password-of-anybody"
LOCKED_OUT = "slotkeeper_locked_out"
# SQLSTATE, and what the advice must speak of.
WRONG = {
    "password": ("28P01", "password"),
    "no password": ("28P01", "password"),
    "no login": ("28000", "LOGIN"),
    "database": ("3D000", "no database of the name"),
    "no connect": ("42501", "GRANT CONNECT"),
    "closed": ("55000", "ALLOW_CONNECTIONS"),
}


@pytest.fixture
def wrong(request, postgres, database):
    """The database's address, wrong in one way."""
    parts = urlsplit(database.app_url)
    at = f"{parts.hostname}:{parts.port}"
    right = f"{parts.username}:{parts.password}"
    with psycopg.connect(postgres.superuser_url(), autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {LOCKED_OUT} PASSWORD '{SECRET}'")
        try:
            match request.param:
                case "password":
                    yield f"postgresql://{parts.username}:{SECRET}@{at}/{database.name}"
                case "no password":
                    yield f"postgresql://{parts.username}@{at}/{database.name}"
                case "no login":
                    yield f"postgresql://{LOCKED_OUT}:{SECRET}@{at}/{database.name}"
                case "database":
                    yield f"postgresql://{right}@{at}/{database.name}_of_old"
                case "no connect":
                    admin.execute(f"REVOKE CONNECT ON DATABASE {database.name} FROM PUBLIC")
                    yield database.app_url
                case "closed":
                    admin.execute(f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS false")
                    yield database.app_url
        finally:
            admin.execute(f"DROP ROLE {LOCKED_OUT}")


@pytest.fixture
def run(commands):
    """Run a command with these settings; its result, with what it printed."""

    def slotkeeper(*words: str, **settings: str):
        return commands.run(*words, **settings)

    return slotkeeper


@pytest.fixture
def serve_anyway(tmp_path):
    """Start a server of one process, ready or not: its address, and its log."""
    with contextlib.ExitStack() as stack, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port, log = probe.getsockname()[1], tmp_path / "log"
        probe.close()

        def start(database_url: str):
            output = stack.enter_context(log.open("wb"))
            server = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "serve"],
                env=inherited_environment(
                    DATABASE_URL=database_url,
                    SLOTKEEPER_SECRET_KEY="a secret of the tests, long enough",
                    SLOTKEEPER_PORT=str(port),
                    SLOTKEEPER_WORKERS="1",
                ),
                stdout=output,
                stderr=output,
            )
            stack.callback(server.wait, 60)
            stack.callback(server.terminate)
            wait_until(lambda: _answers(port), "the server does not start")
            return f"http://127.0.0.1:{port}", log

        yield start


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _each_wrong_address(test):
    marked = pytest.mark.parametrize(
        "wrong, state, word",
        [(kind, *said) for kind, said in WRONG.items()],
        indirect=["wrong"],
        ids=WRONG,
    )
    return marked(test)


@_each_wrong_address
def test_commands_say_what_is_wrong_with_the_address_and_what_to_do(wrong, state, word, run):
    found = [
        run(*words, DATABASE_URL=wrong)
        for words in (
            ("consistency", "check"),
            ("consistency", "check", "--json"),
            ("vendor", "list"),
            ("worker", "--once"),
        )
    ]
    for done in found:
        assert done.returncode in {1, 2}
        assert word in done.stderr
        assert state in done.stderr
        assert "DATABASE_URL" in done.stderr or word == "GRANT CONNECT"
        _keeps_the_secret(done.stderr + done.stdout, wrong)
        assert "Traceback" not in done.stderr
    assert state in json.loads(found[1].stdout)["error"]


@_each_wrong_address
def test_a_server_tells_its_log_and_readyz_and_no_caller(wrong, state, word, serve_anyway):
    url, log = serve_anyway(wrong)
    with httpx.Client(base_url=url, trust_env=False) as client:
        # The second is refused by the breaker, which knows why.
        ready = [client.get("/readyz") for _ in range(2)]
        told = client.get("/api/v1/vendors/salon")
    for answer in ready:
        assert answer.status_code == 503
        assert word in answer.json()["database"]
        assert state in answer.json()["database"]
    assert told.status_code == 503
    assert word not in told.text
    assert state not in told.text
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    (line,) = [line for line in lines if line["event"] == "database down"]
    assert line["reason"] == state
    assert word in line["advice"]
    _keeps_the_secret(log.read_text() + ready[0].text, wrong)


def test_a_server_that_is_not_there_has_no_code_to_tell(database):
    gone = database.app_url.replace(str(urlsplit(database.app_url).port), "1")
    assert sqlstate_of_refusal(gone) is None
    assert sqlstate_of_refusal(database.app_url) is None


def test_migrate_says_whose_address_it_was_given(database, run):
    empty = database.app_url.replace(database.name, "postgres")
    for url, why in (
        (database.app_url, "does not own the schema; slotkeeper_owner does"),
        (empty, "books, and owns nothing"),
    ):
        done = run("migrate", DATABASE_OWNER_URL=url)
        assert done.returncode == 1
        assert f"The role slotkeeper_app {why}" in done.stderr
        assert "DATABASE_OWNER_URL" in done.stderr
        assert "permission denied" not in done.stderr
    assert run("migrate", DATABASE_OWNER_URL=database.owner_url).returncode == 0


def test_migrate_says_that_the_owners_password_is_wrong(database, run):
    parts = urlsplit(database.owner_url)
    wrong = database.owner_url.replace(parts.password, SECRET)
    done = run("migrate", DATABASE_OWNER_URL=wrong)
    assert done.returncode == 1
    assert "The password in DATABASE_OWNER_URL is wrong" in done.stderr
    _keeps_the_secret(done.stderr, wrong)


def test_whoever_may_act_as_the_owner_may_migrate(database):
    with psycopg.connect(database.superuser_url, autocommit=True) as admin:
        admin.execute("CREATE ROLE slotkeeper_deputy LOGIN PASSWORD 'x' IN ROLE slotkeeper_owner")
        try:
            parts = urlsplit(database.owner_url)
            url = f"postgresql://slotkeeper_deputy:x@{parts.hostname}:{parts.port}{parts.path}"
            before, after = migrate.upgrade(url)
        finally:
            admin.execute("DROP OWNED BY slotkeeper_deputy")
            admin.execute("DROP ROLE slotkeeper_deputy")
    assert before == after


def _keeps_the_secret(text: str, url: str) -> None:
    password = urlsplit(url).password
    assert password is None or password not in text
