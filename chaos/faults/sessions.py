"""Faults of the database's sessions, made by SQL: they need no rights on the machine."""

from __future__ import annotations

import contextlib
import random
import time
from contextlib import ExitStack

import psycopg

from chaos.faults import Fault, FaultError, Ground, Hit

THROW_OUT = """
    SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM (
        SELECT pid FROM pg_stat_activity
        WHERE usename = current_user AND datname = current_database() AND pid <> ALL(%s)
        LIMIT %s) those
"""
HOLD = """
    SELECT FROM slots WHERE id = ANY(%(those)s::uuid[]) OR provider_id = ANY(%(those)s::uuid[])
    ORDER BY id FOR UPDATE
"""
STRIKES, PAUSE_SECONDS = 6, 0.4
CONNECTIONS_MAX = 1000
TAKING_SECONDS_MAX, STARVED_SECONDS = 20.0, 3.0
# Longer than a request waits for slots that others hold.
HELD_SECONDS = 4.0


def _connected(url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(url, autocommit=True, connect_timeout=5, application_name="chaos fault")


def _kill_sessions(ground: Ground, dice: random.Random) -> Hit:
    """Terminate a share of the application's sessions, again and again."""
    ended = 0
    with _connected(ground.database_url) as own:
        for _ in range(STRIKES):
            ended += _thrown_out(own, [own.info.backend_pid], dice.choice([2, 8, 1000]))
            ground.last(PAUSE_SECONDS)
    return {"sessions": ended}


def _exhaust_connections(ground: Ground, _: random.Random) -> Hit:
    """Take every connection that the role can have, those of others as well, and give them back."""
    taken: list[psycopg.Connection[tuple[object, ...]]] = []
    ended, refused = 0, 0
    until = time.monotonic() + TAKING_SECONDS_MAX
    with ExitStack() as stack:
        while time.monotonic() < until and not ground.over.is_set():
            try:
                taken.append(stack.enter_context(_connected(ground.database_url)))
            except psycopg.OperationalError:
                until = until if refused else time.monotonic() + STARVED_SECONDS
                refused += 1
                # None is left: somebody loses his, and whether he or we get it is a race.
                ours = [one.info.backend_pid for one in taken]
                with contextlib.suppress(psycopg.OperationalError, IndexError):
                    ended += _thrown_out(taken[0], ours, 4)
                ground.last(0.05)
            if len(taken) >= CONNECTIONS_MAX:
                raise FaultError(f"There is no end of connections; {len(taken)} were taken.")
    if not refused:
        return {}
    return {"connections": len(taken), "sessions": ended, "refused": refused}


def _thrown_out(own: psycopg.Connection[tuple[object, ...]], spared: list[int], number: int) -> int:
    row = own.execute(THROW_OUT, [spared, number]).fetchone()
    return int(str(row[0])) if row else 0


def _hold_lock(ground: Ground, dice: random.Random) -> Hit:
    """Lock half of the run's slots for longer than anybody waits for them."""
    wanted = dice.sample(ground.slots, (len(ground.slots) + 1) // 2)
    with psycopg.connect(ground.owner_url, connect_timeout=5) as connection:
        connection.execute("SET LOCAL lock_timeout = '5s'")
        held = connection.execute(HOLD, {"those": wanted}).rowcount
        ground.last(HELD_SECONDS)
        connection.rollback()
    return {"slots": held}


FAULTS = (
    Fault("kill_sessions", "the database ends sessions of the application", _kill_sessions),
    Fault(
        "exhaust_connections",
        "the database has no connection left to give",
        _exhaust_connections,
    ),
    Fault(
        "hold_lock",
        "somebody holds the lock of half of the slots",
        _hold_lock,
        ("owner_url", "slots"),
    ),
)
