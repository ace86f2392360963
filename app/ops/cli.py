"""`slotkeeper worker`: the housekeeping, every so often."""

from __future__ import annotations

import signal
import threading

import click
import structlog

from app import logs
from app.db import CommandContext
from app.errors import Problem
from app.ops.worker import tidy

log = structlog.get_logger(__name__)


@click.command("worker")
@click.option(
    "--every",
    type=click.FloatRange(min=0.1),
    default=30.0,
    show_default=True,
    help="Seconds between rounds.",
)
@click.option("--once", is_flag=True, help="One round, then end.")
@click.pass_obj
def commands(context: CommandContext, /, every: float, once: bool) -> None:  # noqa: FBT001
    """Expire lapsed holds and forget old idempotency keys, until SIGTERM.

    Nothing depends on it for being right: a lapsed hold never blocks. Several may run.
    """
    settings = context.settings()
    logs.configure(settings.log_level, settings.log_format)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with context.application():
        while not stop.is_set():
            _round(once=once)
            if once or stop.wait(every):
                return


def _round(*, once: bool) -> None:
    try:
        tidied = tidy()
    except Problem as problem:
        if once:
            raise
        # The database will be back; so will we.
        log.warning("round failed", code=problem.code, detail=problem.detail)
        return
    if tidied.holds_expired or tidied.keys_forgotten or once:
        log.info("tidied", holds_expired=tidied.holds_expired, keys_forgotten=tidied.keys_forgotten)
