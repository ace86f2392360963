"""`python -m migrations.freeze NAME`: freeze changed SQL files into a new revision.

It compares `app/sql` with what the revisions so far amount to, copies the files that differ into
`migrations/sql/<number>_<name>/`, lists functions whose files are gone, and writes the thin
revision that applies them. `--check` writes nothing and exits 1 when something is not frozen.
`--again` rewrites the newest revision instead, for as long as nobody has applied it.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from pathlib import Path

from migrations import frozen

VERSIONS = Path(__file__).parent / "versions"
REVISION = '''"""{title}"""

from __future__ import annotations

from alembic import op

from migrations import frozen

revision = "{revision}"
down_revision = "{down_revision}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the frozen functions and rights."""
    frozen.upgrade(op.get_bind(), revision)


def downgrade() -> None:
    """Put back the functions and rights of the revision before."""
    frozen.downgrade(op.get_bind(), revision)
'''


def changes(before: dict[str, str], rights_before: str | None) -> tuple[list[Path], list[str]]:
    """Return the files that differ from what is frozen, and the functions whose files are gone."""
    files = frozen.function_files(frozen.CURRENT)
    changed = [path for name, path in files.items() if before.get(name) != path.read_text()]
    rights = frozen.CURRENT / frozen.RIGHTS
    if rights.read_text() != rights_before:
        changed.append(rights)
    return changed, sorted(before.keys() - files.keys())


def write(revision: str, changed: list[Path], gone: list[str]) -> None:
    """Copy the changed files into the revision's folder and list what it drops."""
    folder = frozen.FROZEN / revision
    for path in changed:
        copy = folder / path.relative_to(frozen.CURRENT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    if gone:
        (folder / "dropped.txt").write_text("\n".join(gone) + "\n")


def freeze_again() -> str:
    """Bring the newest revision's copies up to date and return its name."""
    revision = frozen.revisions()[-1]
    folder = frozen.FROZEN / revision
    kept = {"tables.sql", "views.sql", "planner.sql", "down.sql"}
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file() and path.name not in kept:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    earlier = frozen.revisions()[:-1]
    changed, gone = changes(
        frozen.state_before(revision), frozen.rights(earlier[-1]) if earlier else None
    )
    write(revision, changed, gone)
    return revision


def freeze_next(name: str) -> str | None:
    """Freeze what differs into a new revision and return its name, or None if nothing does."""
    newest = frozen.revisions()[-1]
    changed, gone = changes(frozen.state_after(newest), frozen.rights(newest))
    if not changed and not gone:
        return None
    revision = f"{int(newest[:4]) + 1:04d}_{name}"
    write(revision, changed, gone)
    title = name.replace("_", " ").capitalize() + "."
    text = REVISION.format(title=title, revision=revision, down_revision=newest)
    (VERSIONS / f"{revision}.py").write_text(text)
    return revision


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 0 when everything is frozen, 1 when --check finds what is not."""
    parser = argparse.ArgumentParser(
        prog="python -m migrations.freeze", description=__doc__.split("\n", 1)[0]
    )
    parser.add_argument("name", nargs="?", help="what the revision does, such as quicker_search")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if something is not frozen"
    )
    parser.add_argument(
        "--again",
        action="store_true",
        help="rewrite the newest revision (only before it is released)",
    )
    chosen = parser.parse_args(arguments)
    if chosen.check:
        newest = frozen.revisions()[-1]
        changed, gone = changes(frozen.state_after(newest), frozen.rights(newest))
        for what in [str(path.relative_to(frozen.CURRENT)) for path in changed] + [
            f"{name} (gone)" for name in gone
        ]:
            sys.stderr.write(f"not frozen: {what}\n")
        return 1 if changed or gone else 0
    if chosen.again:
        sys.stdout.write(f"rewrote {freeze_again()}\n")
        return 0
    if not chosen.name or not re.fullmatch(r"[a-z0-9_]+", chosen.name):
        parser.error("a name of lower-case letters, digits and _ is needed, such as quicker_search")
    revision = freeze_next(chosen.name)
    sys.stdout.write(f"wrote {revision}\n" if revision else "everything is frozen already\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
