"""`slotkeeper key`: make API keys, list them and revoke them."""

from __future__ import annotations

from datetime import datetime

import click
from rich.console import Console
from rich.table import Table

from app.auth.keys import SCOPES, Scope, create_key, list_keys, revoke_key
from app.auth.visits import find_vendor
from app.db import CommandContext
from app.models import ApiKey, OperatorKey


def checked_name(name: str) -> str:
    """The name if a key can have it; otherwise the command ends and says so."""
    if not 1 <= len(name) <= 200:
        raise click.BadParameter("Needs 1 to 200 characters.", param_hint="--name")
    return name


def moments(key: ApiKey | OperatorKey) -> list[str]:
    """When the key was made, used and revoked, for a table."""
    return [
        f"{moment:%Y-%m-%d %H:%M}" if moment else "-"
        for moment in (key.created_at, key.last_used_at, key.revoked_at)
    ]


def tell_new_key(text: str) -> None:
    """Print a key, this once."""
    click.echo("Keep this key safe: it cannot be shown again.", err=True)
    click.echo(text)


def show(table: Table) -> None:
    """Print a table; where nobody watches, wide enough for whoever reads it."""
    Console(width=None if Console().is_terminal else 160).print(table)


def tell_revoked(revoked_at: datetime | None, group: str) -> None:
    """Print when the key was revoked; without such a key the command ends and says so."""
    if revoked_at is None:
        raise click.ClickException(
            f"That names no key, or more than one. See: slotkeeper {group} list"
        )
    click.echo(f"Revoked at {revoked_at:%Y-%m-%d %H:%M:%S} UTC.")


@click.group("key")
def commands() -> None:
    """Make API keys, list them and revoke them."""


@commands.command("create")
@click.argument("vendor")
@click.option("--name", default="key", show_default=True, help="To tell keys apart in a list.")
@click.option(
    "--scope",
    type=click.Choice(SCOPES),
    default="admin",
    show_default=True,
    help="What it may do: look; also book and publish; also change the catalogue and settings.",
)
@click.pass_obj
def create_command(context: CommandContext, /, vendor: str, name: str, scope: Scope) -> None:
    """Make an API key of VENDOR (its slug) and show it, this once."""
    with context.application():
        _, text = create_key(find_vendor(vendor), checked_name(name), scope)
    tell_new_key(text)


@commands.command("list")
@click.argument("vendor", required=False)
@click.pass_obj
def list_command(context: CommandContext, /, vendor: str | None) -> None:
    """List the keys of all vendors, or of VENDOR."""
    with context.application():
        keys = list_keys(find_vendor(vendor) if vendor is not None else None)
    table = Table("id", "vendor", "name", "scope", "begins", "made", "last used", "revoked")
    for owner, key in keys:
        table.add_row(str(key.id), owner.slug, key.name, key.scope, key.prefix, *moments(key))
    show(table)


@commands.command("revoke")
@click.argument("key")
@click.pass_obj
def revoke_command(context: CommandContext, /, key: str) -> None:
    """Revoke KEY (its id, its text, or how it begins); it is refused from the next request on."""
    with context.application():
        tell_revoked(revoke_key(key), "key")
