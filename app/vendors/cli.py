"""`slotkeeper vendor`: make vendors and list them."""

from __future__ import annotations

import click
from marshmallow import ValidationError
from rich.console import Console
from rich.table import Table

from app.db import CommandContext
from app.vendors.actions import create_vendor
from app.vendors.queries import list_vendors
from app.vendors.schemas import NewVendorSchema
from app.wire.parser import invalid


@click.group("vendor")
def commands() -> None:
    """Make vendors and list them."""


@commands.command("create")
@click.argument("slug")
@click.option("--name", help="What people call it; the slug if not said.")
@click.option(
    "--time-zone", default="UTC", show_default=True, help="IANA name, such as Europe/Berlin."
)
@click.pass_obj
def create_command(context: CommandContext, /, slug: str, name: str | None, time_zone: str) -> None:
    """Make the vendor SLUG: lower-case letters, digits and hyphens, as its address will say."""
    try:
        values = NewVendorSchema().load(
            {"slug": slug, "name": name or slug, "time_zone": time_zone}
        )
    except ValidationError as error:
        raise invalid(error) from None
    with context.application():
        vendor = create_vendor(**values)
    click.echo(f"Vendor {vendor.slug} is there: {vendor.id}", err=True)
    click.echo(vendor.slug)


@commands.command("list")
@click.pass_obj
def list_command(context: CommandContext, /) -> None:
    """List all vendors."""
    with context.application():
        vendors = list_vendors()
    table = Table("vendor", "name", "time zone", "since")
    for vendor in vendors:
        since = f"{vendor.created_at:%Y-%m-%d %H:%M} UTC"
        table.add_row(vendor.slug, vendor.name, vendor.time_zone, since)
    Console().print(table)
