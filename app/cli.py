"""The command `slotkeeper`: what each feature brings, and running, migrating, trying it out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from sqlalchemy.exc import DBAPIError

from app import logs, migrate
from app.auth import cli as auth
from app.auth import operator_cli as operators
from app.config import ConfigurationError, Settings, owner_database_url
from app.consistency import cli as consistency
from app.db import offline_app
from app.errors import DatabaseProblem, Problem
from app.errors.sqlstates import told_to_operators
from app.logins import NoLoginError
from app.ops import cli as ops
from app.roles import RoleMissingError
from app.schedules import cli as schedules
from app.schedules.busy import cli as calendars
from app.serve import AddressTakenError, serve
from app.transfer import cli as transfer
from app.transfer import slots_cli as slots
from app.vendors import cli as vendors

# Waited too long for them, or was the one of a deadlock that had to give way.
TABLES_IN_USE = {"55P03", "40P01"}


class Console:
    """What a command can ask for; nothing is read or connected before it is asked for."""

    def settings(self) -> Settings:
        """The settings of this process."""
        return Settings.from_environment()

    @contextmanager
    def application(self) -> Iterator[None]:
        """The context in which features reach the database, as the application's role."""
        with offline_app(self.settings()).app_context():
            yield


class Commands(click.Group):
    """A group whose commands fail with one line that says what to do, and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DatabaseProblem as error:
            raise click.ClickException(told_to_operators(error)) from error
        except (
            AddressTakenError,
            ConfigurationError,
            migrate.NotTheOwnerError,
            Problem,
            RoleMissingError,
        ) as error:
            raise click.ClickException(str(error)) from error
        except DBAPIError as error:
            raise click.ClickException(_sentence(error)) from error


def _sentence(error: DBAPIError) -> str:
    if getattr(error.orig, "sqlstate", None) in TABLES_IN_USE:
        return "The tables are in use by others. Nothing has been changed; try again."
    if isinstance(error.orig, NoLoginError):
        return told_to_operators(error)
    return f"The database refused: {error.orig}"


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="slotkeeper")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Slotkeeper: scheduling that cannot double-book."""
    logs.configure("warning", "console")
    ctx.obj = Console()


@main.command("migrate")
def migrate_command() -> None:
    """Bring the database of DATABASE_OWNER_URL to the newest schema."""
    before, after = migrate.upgrade(owner_database_url())
    if before == after:
        click.echo(f"Nothing to do: the schema is at {after}.")
    else:
        click.echo(f"The schema was at {before or 'nothing'} and is now at {after}.")


@main.command("serve")
@click.pass_obj
def serve_command(console: Console) -> None:
    """Serve HTTP as SLOTKEEPER_HOST, _PORT, _WORKERS and _THREADS say, until SIGTERM."""
    settings = console.settings()
    logs.configure(settings.log_level, settings.log_format)
    try:
        serve(settings)
    except AddressTakenError as error:
        raise click.ClickException(f"{error} Choose another by SLOTKEEPER_PORT.") from error


@main.command("demo")
@click.option("--port", type=click.IntRange(1, 65_535), default=8000, show_default=True)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=".slotkeeper",
    show_default=True,
    help="Where the demo keeps its database.",
)
@click.pass_obj
def demo_command(console: Console, port: int, directory: Path) -> None:
    """Run a database, a demo vendor and the server on this machine, until Ctrl-C."""
    # Not above: production needs neither the embedded database nor psutil.
    from app.demo import DemoError, run_demo  # noqa: PLC0415
    from app.devdb import PostgresError  # noqa: PLC0415

    settings = replace(console.settings(), port=port, log_format="console")
    try:
        run_demo(directory, settings, click.echo)
    except AddressTakenError as error:
        raise click.ClickException(
            f"{error} Stop that process, or choose another port: make demo PORT={port + 1000}"
        ) from error
    except (DemoError, OSError, PostgresError) as error:
        raise click.ClickException(str(error)) from error


for feature in (vendors, auth, operators, schedules, calendars, slots, consistency, ops):
    main.add_command(feature.commands)
main.add_command(transfer.export_command)
main.add_command(transfer.import_command)

if __name__ == "__main__":
    main()
