"""Folders for the life of a process: removed at its end, or by the next when it was killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from app.scratch import scratch_folder

PREFIX = "slotkeeper-scratch-test-"
KEEPS_ONE = f"""
import sys
from app.scratch import scratch_folder
with scratch_folder("{PREFIX}") as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


def _keeper(temporary: Path) -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", KEEPS_ONE],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    return process, Path(process.stdout.readline().strip())


def test_a_folder_is_removed_at_the_end_and_a_killed_ones_by_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    killed, left = _keeper(tmp_path)
    alive, kept = _keeper(tmp_path)
    stranger = tmp_path / f"{PREFIX}without-a-lock"
    stranger.mkdir()
    with killed, alive:
        killed.kill()
        killed.wait()
        assert left.is_dir(), "nobody was there to remove it"
        with scratch_folder(PREFIX) as folder:
            assert folder.is_dir()
            assert not left.exists()
            assert kept.is_dir(), "its process is alive"
            assert stranger.is_dir(), "it is none of ours"
        assert not folder.exists()
        alive.communicate("")
    assert alive.returncode == 0
    assert {entry.name for entry in tmp_path.iterdir()} == {stranger.name}
