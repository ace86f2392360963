"""A full disk: the database's files are on a small one of our own, where that is permitted."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chaos.faults import Fault, FaultError, Ground, Hit

# A database of our own begins with 44 MB, keeps journals for a while, and grew by 20 to 40 MB in
# 40,000 attempts.
MEGABYTES_LEAST, ATTEMPTS_A_MEGABYTE = 640, 1000
FULL_SECONDS = 3.0
PIECE = bytes(1_048_576)
FULL = "full"


def mountable() -> str:
    """Why no disk in memory can be mounted here; empty if one can."""
    with tempfile.TemporaryDirectory(prefix="slotkeeper-chaos-") as folder:
        try:
            with small_disk(Path(folder)):
                return ""
        except FaultError as error:
            return str(error)


@contextmanager
def small_disk(folder: Path, attempts: int = 0) -> Iterator[None]:
    """`folder` is a disk in memory, large enough for so many attempts, until the block ends.

    One that is there already, of a run that was killed, is used as it is. Raises FaultError where
    this is not permitted.
    """
    megabytes = MEGABYTES_LEAST + attempts // ATTEMPTS_A_MEGABYTE
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if mount is None or umount is None or os.geteuid() != 0:
        raise FaultError("A disk in memory can be mounted by root only.")
    words = [mount, "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0711", "none", str(folder)]
    if not folder.is_mount():
        done = subprocess.run(words, check=False, capture_output=True, text=True)  # noqa: S603 - ours
        if done.returncode:
            raise FaultError(f"A disk in memory cannot be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run([umount, "--lazy", str(folder)], check=False)  # noqa: S603 - as above


def _fill_disk(ground: Ground, _: random.Random) -> Hit:
    """Write a file until nothing fits any more, and take it away again."""
    if ground.disk is None:
        raise FaultError("There is no disk of our own.")
    path = ground.disk / FULL
    if not ground.disk.is_mount():
        raise FaultError(f"{ground.disk} is not a disk of our own.")
    size, written = shutil.disk_usage(ground.disk).total, 0
    try:
        with path.open("wb", buffering=0) as file:
            full = False
            while not full and written <= size:
                try:
                    written += file.write(PIECE) or 0
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    full = True
            ground.last(FULL_SECONDS)
    finally:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
    return {"megabytes": written // len(PIECE)} if full else {}


FAULTS = (Fault("fill_disk", "the database's disk is full", _fill_disk, ("disk",)),)
