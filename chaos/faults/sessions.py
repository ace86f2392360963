"""Faults of the database's sessions, made by SQL: they need no rights on the machine."""

from __future__ import annotations

import contextlib
import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg

from chaos.faults import Fault, FaultError, Ground, Hit

THROW_OUT = """
    SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM (
        SELECT pid FROM pg_stat_activity
        WHERE usename = current_user AND datname = current_database() AND pid <> ALL(%s)
        LIMIT %s) those
"""
# As whoever claims does. FOR UPDATE would say that the slots are about to be others, and whoever
# gives a place back leaves it to that one to close busy time there.
HOLD = """
    SELECT FROM slots WHERE id = ANY(%(those)s::uuid[]) OR provider_id = ANY(%(those)s::uuid[])
    ORDER BY id FOR NO KEY UPDATE
"""
STRIKES, PAUSE_SECONDS = 6, 0.4
CONNECTIONS_MAX = 1000
# So many take them at once: on a busy machine each connection waits for its turn.
TAKERS, TRIES_MAX, TAKING_SECONDS_MAX, STARVED_SECONDS = 8, 3, 120.0, 3.0
# Longer than a request waits for slots that others hold.
HELD_SECONDS = 4.0
# Whoever writes by hand holds some for seconds, or deadlocks with us: again, until they are ours.
HOLDING_SECONDS_MAX, AGAIN_SECONDS = 60.0, 0.05
IN_THE_WAY = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
Connection = psycopg.Connection[tuple[object, ...]]


def _connected(url: str) -> Connection:
    return psycopg.connect(url, autocommit=True, connect_timeout=30, application_name="chaos fault")


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
    taken: list[Connection] = []
    ended, refused = 0, 0
    until = time.monotonic() + TAKING_SECONDS_MAX
    with ExitStack() as stack, ThreadPoolExecutor(TAKERS) as takers:
        while time.monotonic() < until and not ground.over.is_set():
            got = [one for one in takers.map(_taken, [ground.database_url] * TAKERS) if one]
            taken += [stack.enter_context(one) for one in got]
            if len(got) < TAKERS and taken:
                until = until if refused else time.monotonic() + STARVED_SECONDS
                refused += TAKERS - len(got)
                # None is left: somebody loses his, and whether he or we get it is a race.
                ours = [one.info.backend_pid for one in taken]
                with contextlib.suppress(psycopg.OperationalError):
                    ended += _thrown_out(taken[0], ours, TAKERS)
                ground.last(0.05)
            if len(taken) >= CONNECTIONS_MAX:
                raise FaultError(f"There is no end of connections; {len(taken)} were taken.")
    if not refused:
        return {}
    return {"connections": len(taken), "sessions": ended, "refused": refused}


def _taken(url: str) -> Connection | None:
    """A connection; None if there was none to be had. Whoever only waited too long asks again."""
    for _ in range(TRIES_MAX):
        try:
            return _connected(url)
        except psycopg.errors.ConnectionTimeout:
            continue
        except psycopg.OperationalError:
            break
    return None


def _thrown_out(own: Connection, spared: list[int], number: int) -> int:
    row = own.execute(THROW_OUT, [spared, number]).fetchone()
    return int(str(row[0])) if row else 0


def _hold_lock(ground: Ground, dice: random.Random) -> Hit:
    """Lock half of the run's slots for longer than anybody waits for them."""
    wanted = dice.sample(ground.slots, (len(ground.slots) + 1) // 2)
    until = time.monotonic() + HOLDING_SECONDS_MAX
    with psycopg.connect(ground.owner_url, connect_timeout=30) as connection:
        held = 0
        while not held:
            connection.execute("SET LOCAL lock_timeout = '5s'")
            try:
                held = connection.execute(HOLD, {"those": wanted}).rowcount
            except IN_THE_WAY:
                connection.rollback()
                if time.monotonic() > until:
                    raise
                continue
            if not held:
                # A vendor has deleted them all, and published others at the same providers.
                connection.rollback()
                wanted = dice.sample(ground.providers, (len(ground.providers) + 1) // 2)
                if ground.over.wait(AGAIN_SECONDS) or time.monotonic() > until:
                    break
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
