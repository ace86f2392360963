"""`slotkeeper operator-key`: make operator keys, list them and revoke them."""

from __future__ import annotations

import click
from rich.table import Table

from app.auth.cli import checked_name, moments, show, tell_new_key, tell_revoked
from app.auth.operator_keys import create_operator_key, list_operator_keys, revoke_operator_key
from app.db import CommandContext


@click.group("operator-key")
def commands() -> None:
    """Make operator keys (they make vendors over HTTP), list them and revoke them."""


@commands.command("create")
@click.option("--name", default="operator", show_default=True, help="To tell keys apart in a list.")
@click.pass_obj
def create_command(context: CommandContext, /, name: str) -> None:
    """Make an operator key and show it, this once."""
    with context.application():
        _, text = create_operator_key(checked_name(name))
    tell_new_key(text)


@commands.command("list")
@click.pass_obj
def list_command(context: CommandContext, /) -> None:
    """List the operator keys, revoked ones included."""
    with context.application():
        keys = list_operator_keys()
    table = Table("id", "name", "begins", "made", "last used", "revoked")
    for key in keys:
        table.add_row(str(key.id), key.name, key.prefix, *moments(key))
    show(table)


@commands.command("revoke")
@click.argument("key")
@click.pass_obj
def revoke_command(context: CommandContext, /, key: str) -> None:
    """Revoke KEY (its id, its text, or how it begins); it is refused from the next request on."""
    with context.application():
        tell_revoked(revoke_operator_key(key), "operator-key")
