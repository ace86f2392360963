"""A folder for as long as a process lives; what a killed one has left, the next one clears away."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = "in-use"


@contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """A new folder, locked by this process and the children it makes, and removed at the end.

    Folders of the same prefix and user whose processes are all gone are removed first.
    """
    _clear_away(prefix)
    # Under another name until it is locked, so that nobody takes it for a leftover.
    draft = Path(tempfile.mkdtemp(prefix=f"new-{prefix}"))
    lock = os.open(draft / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = draft.with_name(draft.name.removeprefix("new-"))
        draft.rename(folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def _clear_away(prefix: str) -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with contextlib.suppress(OSError):
            if folder.is_dir() and folder.stat().st_uid == os.geteuid() and _left(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _left(folder: Path) -> bool:
    """Whether nobody holds the lock any more; the kernel lets go of a dead process's locks."""
    lock = os.open(folder / LOCK, os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(lock)
