"""`slotkeeper export` and `slotkeeper import`: everything a vendor has, as files, and back."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
import sqlalchemy.exc

from app.auth.visits import find_vendor
from app.config import ConfigurationError
from app.db import CommandContext
from app.errors import Problem
from app.errors.sqlstates import told_to_operators
from app.records.lines import UTF_8
from app.transfer.cells import moment
from app.transfer.context import Report, Source
from app.transfer.exporting import FileThereError, Window, export_files
from app.transfer.faults import FAULTS_MAX, ImportRefusedError
from app.transfer.importing import Choices, CutOffError, import_files
from app.transfer.kinds import KINDS
from app.transfer.watching import progress

DONE, REFUSED, COULD_NOT_RUN, CUT_OFF = 0, 1, 2, 3
FORMS = ("csv", "json")
FAILURES = (Problem, ConfigurationError, FileThereError, OSError, sqlalchemy.exc.SQLAlchemyError)
TIMED_OUT = (
    "\nOne statement of it took longer than SLOTKEEPER_STATEMENT_SECONDS allows: try again when"
    " less is going on, or give each more time: SLOTKEEPER_STATEMENT_SECONDS=60."
)
UNKNOWN = (
    " It was being committed, and nobody knows whether it took effect. Import the same files"
    " again: what is there already is found unchanged."
)
VENDOR = click.option("--vendor", required=True, help="The vendor's slug.")


class Kinds(click.ParamType[tuple[str, ...]]):
    """Kinds with commas between: bookings,customers."""

    name = "kinds"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        names = [name.strip() for name in str(value).split(",") if name.strip()]
        for name in names:
            if name not in KINDS:
                self.fail(f"{name!r} is none of {', '.join(KINDS)}.", param, ctx)
        return tuple(kind for kind in KINDS if kind in names)


class Moment(click.ParamType[datetime]):
    """A moment with its offset, or a day, which begins at midnight UTC."""

    name = "moment"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        text = str(value)
        try:
            return moment(f"{text} 00:00" if len(text) == 10 else text, "UTC").astimezone(UTC)
        except ValueError:
            self.fail("say a day such as 2027-03-01, or 2027-03-01T09:00:00+01:00.", param, ctx)


class Encoding(click.ParamType[str]):
    """The name of a character encoding."""

    name = "encoding"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        try:
            # Not all that Python calls a codec makes text of bytes: zlib does not.
            b"".decode(str(value))
            return codecs.lookup(str(value)).name
        except (LookupError, UnicodeError):
            self.fail("say utf-8, cp1252, utf-16 or the like.", param, ctx)


@click.command("export")
@VENDOR
@click.option(
    "--to",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the files go, one a kind.",
)
@click.option("--format", "form", type=click.Choice(FORMS), default="csv", show_default=True)
@click.option("--only", type=Kinds(), default=tuple(KINDS), help="Only these: bookings,customers.")
@click.option(
    "--from", "start", type=Moment(), help="Slots, bookings and time off that end after this."
)
@click.option(
    "--until", "end", type=Moment(), help="Slots, bookings and time off that begin before this."
)
@click.option("--overwrite", is_flag=True, help="Replace files that are there.")
@click.pass_obj
def export_command(
    context: CommandContext,
    /,
    *,
    vendor: str,
    folder: Path,
    form: str,
    only: tuple[str, ...],
    start: datetime | None,
    end: datetime | None,
    overwrite: bool,
) -> None:
    """Write what a vendor has into files, as of one moment. They hold personal data: only their
    owner can read them.

    Exit code: 0 done, 2 could not run.
    """
    if start is not None and end is not None and end <= start:
        raise click.UsageError("--until is not after --from: nothing lies between them.")
    with _told("export"), context.application(), progress() as tick:
        counts = export_files(
            find_vendor(vendor),
            folder,
            form,
            only,
            window=Window(start, end),
            overwrite=overwrite,
            tick=tick,
        )
    for kind, count in counts.items():
        click.echo(f"{count:>9,} {kind}: {folder / f'{kind}.{form}'}")


@click.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@VENDOR
@click.option("--dry-run", is_flag=True, help="Do everything, then undo it.")
@click.option("--update", is_flag=True, help="Change what is there and different, if it can be.")
@click.option("--format", "form", type=click.Choice(FORMS), help="If the files' names do not say.")
@click.option("--kind", type=click.Choice(list(KINDS)), help="If the files' names do not say.")
@click.option("--encoding", type=Encoding(), default=UTF_8, show_default=True, help="Of the files.")
@click.pass_obj
def import_command(
    context: CommandContext,
    /,
    *,
    paths: tuple[Path, ...],
    vendor: str,
    dry_run: bool,
    update: bool,
    form: str | None,
    kind: str | None,
    encoding: str,
) -> None:
    """Bring a vendor what is in files (CSV or JSON), or in all files of a folder: all or nothing.

    A file's name says what it holds: bookings.csv, bookings-2027.json. Exit code: 0 done, 1 refused
    and nothing written, 2 could not run and nothing written, 3 cut off while all was being
    committed: import the same files again, and what is there already is found unchanged.
    """
    sources = list(_sources(paths, form, kind, encoding))
    with _told("import"), context.application(), progress() as tick:
        report = import_files(find_vendor(vendor), sources, Choices(update, dry_run), tick)
    _tell(report, dry_run=dry_run)


def _sources(
    paths: tuple[Path, ...], form: str | None, kind: str | None, encoding: str
) -> Iterator[Source]:
    for path in paths:
        if not path.is_dir():
            yield Source(path, KINDS[kind or _kind_of(path)], form, encoding)
            continue
        found = [
            one
            for one in sorted(path.iterdir())
            if one.suffix.lower() in {".csv", ".json"} and not one.name.startswith(".")
        ]
        if not found:
            raise click.UsageError(f"There are no CSV or JSON files in {path}.")
        for one in found:
            yield Source(one, KINDS[_kind_of(one)], form, encoding)


def _kind_of(path: Path) -> str:
    name = path.stem.lower().partition("-")[0]
    if name not in KINDS:
        raise click.UsageError(
            f"What does {path.name} hold? Call it after one of {', '.join(KINDS)} (bookings.csv,"
            " bookings-2027.csv), or say --kind."
        )
    return name


@contextmanager
def _told(what: str) -> Iterator[None]:
    """What keeps the command from its work is said in words, and by the exit code."""
    try:
        yield
    except ImportRefusedError as error:
        click.echo(f"Error: Nothing was imported.\n{error}", err=True)
        if error.faults.full:
            click.echo(f"There may be more: only the first {FAULTS_MAX} are told.", err=True)
        sys.exit(REFUSED)
    except CutOffError:
        click.echo(f"Error: The import was cut off.{UNKNOWN}", err=True)
        sys.exit(CUT_OFF)
    except FAILURES as error:
        told = (
            str(error) if isinstance(error, OSError | FileThereError) else told_to_operators(error)
        )
        advice = TIMED_OUT if getattr(error, "code", None) == "TRANSACTION_TIMEOUT" else ""
        click.echo(
            f"Error: The {what} could not run, and changed nothing. {told}{advice}", err=True
        )
        sys.exit(COULD_NOT_RUN)


def _tell(report: Report, *, dry_run: bool) -> None:
    for kind, counts in report.counts.items():
        told = ", ".join(f"{number:,} {done}" for done, number in counts.items() if number)
        click.echo(f"{kind}: {told or 'none'}")
    for remark in report.remarks:
        click.echo(remark)
    if dry_run:
        click.echo("A dry run: nothing was written.")
