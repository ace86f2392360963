"""`slotkeeper worker`: the housekeeping, every so often."""

from __future__ import annotations

import signal
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING

import click
import structlog

from app import logs
from app.config import ConfigurationError, Settings
from app.consistency.queries import verify_booking_slot_consistency
from app.db import CommandContext, db
from app.errors import DatabaseProblem, Problem
from app.ops.worker import Expiries, tidy
from app.schedules.keeping import Keeper

if TYPE_CHECKING:
    from app.ops.watch import Watch

DAY_SECONDS = 86_400.0
CHECK_RETRY_SECONDS = 300.0

log = structlog.get_logger(__name__)


@click.command("worker")
@click.option(
    "--every",
    type=click.FloatRange(min=0.1),
    default=30.0,
    show_default=True,
    help="Seconds between rounds.",
)
@click.option(
    "--check-every",
    type=click.FloatRange(min=0),
    default=DAY_SECONDS,
    show_default=True,
    help="Seconds between checks of all data, the first at once; 0 for none.",
)
@click.option("--once", is_flag=True, help="One round, then end.")
@click.pass_obj
def commands(context: CommandContext, /, every: float, check_every: float, once: bool) -> None:  # noqa: FBT001
    """Expire lapsed holds, forget old idempotency keys, keep schedules published, until SIGTERM.

    Nothing depends on it for being right: a lapsed hold never blocks. Several may run. It is
    watched at SLOTKEEPER_WORKER_PORT: /metrics and /healthz.
    """
    # Not above: a server's parent imports this module, and must not import the library of metrics
    # before its workers do.
    from app.ops.watch import Watch  # noqa: PLC0415

    settings = context.settings()
    logs.configure(settings.log_level, settings.log_format)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    watch = Watch(every)
    if not once:
        _open(watch, settings)
        log.info("working", every=every, check_every=check_every, watched_at=_address(settings))
        if check_every:
            words = {"context": context, "watch": watch, "every": check_every, "stop": stop}
            threading.Thread(target=_check, name="check", kwargs=words, daemon=True).start()
    with context.application():
        expiries: Expiries | None = None
        keeper = Keeper()
        while not stop.is_set():
            expiries = _round(watch, expiries, keeper, once=once)
            if once or stop.wait(every):
                return


def _open(watch: Watch, settings: Settings) -> None:
    if not settings.worker_port:
        return
    try:
        watch.serve(settings.host, settings.worker_port)
    except OSError as error:
        raise ConfigurationError(
            f"The worker cannot be watched on {settings.host}, port {settings.worker_port}:"
            f" {error.strerror}. Choose another by SLOTKEEPER_WORKER_PORT, or 0 for none."
        ) from error


def _address(settings: Settings) -> str | None:
    return f"http://{settings.host}:{settings.worker_port}" if settings.worker_port else None


def _round(
    watch: Watch, expiries: Expiries | None, keeper: Keeper, *, once: bool
) -> Expiries | None:
    """One round; what counts expired holds, from the first round in which the database is there."""
    try:
        expiries = expiries or Expiries()
        tidied = tidy()
        watch.holds_expired(expiries.count())
        kept = keeper.round()
    except Problem as problem:
        if once:
            raise
        # The database will be back; so will we.
        watch.round_ended(None)
        log.warning("round failed", code=problem.code, detail=_reason(problem))
        return expiries
    watch.round_ended(tidied, kept)
    if once and kept.failures:
        raise click.ClickException(
            f"{kept.failures} providers' schedules could not be published; see the log."
        )
    if kept.published or kept.removed or kept.resized:
        log.info("schedules published", **asdict(kept))
    if once and tidied.failures:
        raise click.ClickException(f"{tidied.failures} vendors could not be tidied; see the log.")
    if tidied.holds_expired or tidied.keys_forgotten or once:
        log.info("tidied", holds_expired=tidied.holds_expired, keys_forgotten=tidied.keys_forgotten)
    return expiries


def _reason(problem: Problem) -> str:
    return (isinstance(problem, DatabaseProblem) and problem.advice) or problem.detail


def _check(context: CommandContext, watch: Watch, every: float, stop: threading.Event) -> None:
    """Check all data again and again, on a connection of its own: it may take long."""
    wait = 0.0
    while not stop.wait(wait):
        try:
            violations = _check_once(context)
        except Problem as problem:
            log.warning("check failed", code=problem.code, detail=_reason(problem))
            wait = min(every, CHECK_RETRY_SECONDS)
            continue
        except Exception as error:
            # Whatever is broken, the next check is to come.
            log.exception("check failed", code="INTERNAL_ERROR", detail=type(error).__name__)
            wait = min(every, CHECK_RETRY_SECONDS)
            continue
        watch.checked(violations)
        _tell(violations)
        wait = every


def _check_once(context: CommandContext) -> dict[str, int]:
    with context.application():
        try:
            checks = verify_booking_slot_consistency(None)
            return {check["check_name"]: check["violations"] for check in checks}
        finally:
            db.engine.dispose()


def _tell(violations: dict[str, int]) -> None:
    found = {name: number for name, number in violations.items() if number}
    if found:
        log.error("consistency violated", **found)
    else:
        log.info("consistency checked", checks=len(violations))
