"""Faults of the network, made by proxies of our own between clients, server and database."""

from __future__ import annotations

import random

from chaos.faults import Fault, FaultError, Ground, Hit
from chaos.faults.proxy import Proxy

SECONDS = 2.0
DELAY_SECONDS_MAX = 0.15
# Longer than any statement may take and the server then waits for its database: it has to find out
# by itself that nobody will answer.
SILENT_SECONDS, SILENT_DATABASE_SECONDS = 3.0, 17.0


def _there(proxy: Proxy | None) -> Proxy:
    if proxy is None:
        raise FaultError("There is no proxy of ours in this way.")
    return proxy


def _lose_answers(ground: Ground, _: random.Random) -> Hit:
    """The server has answered, and nobody hears it."""
    proxy = _there(ground.clients)
    before = proxy.lost
    proxy.losing = True
    try:
        ground.last(SECONDS, lambda: proxy.lost - before)
    finally:
        proxy.losing = False
    return {"answers": proxy.lost - before}


def _cut(proxy: Proxy, ground: Ground) -> Hit:
    before = proxy.cut
    proxy.down = True
    try:
        proxy.cut_all()
        ground.last(SECONDS, lambda: proxy.cut - before)
    finally:
        proxy.down = False
    return {"connections": proxy.cut - before}


def _delay(proxy: Proxy, ground: Ground, dice: random.Random) -> Hit:
    before = proxy.delayed
    proxy.delay_seconds = dice.uniform(DELAY_SECONDS_MAX / 3, DELAY_SECONDS_MAX)
    try:
        ground.last(SECONDS, lambda: proxy.delayed - before)
    finally:
        proxy.delay_seconds = 0.0
    return {"pieces": proxy.delayed - before}


def _silence(proxy: Proxy, ground: Ground, seconds: float) -> Hit:
    """A cable is out, or a firewall swallows everything: no refusal, no reset, no answer."""
    before = proxy.held
    with proxy.silent():
        ground.last(seconds, lambda: proxy.held - before)
    return {"pieces": proxy.held - before}


FAULTS = (
    Fault("lose_answers", "answers get lost on the way", _lose_answers, ("clients",)),
    Fault(
        "cut_clients",
        "no client reaches the server",
        lambda ground, _: _cut(_there(ground.clients), ground),
        ("clients",),
    ),
    Fault(
        "delay_clients",
        "clients and server are far from each other",
        lambda ground, dice: _delay(_there(ground.clients), ground, dice),
        ("clients",),
    ),
    Fault(
        "silence_clients",
        "the network swallows what clients and server say",
        lambda ground, _: _silence(_there(ground.clients), ground, SILENT_SECONDS),
        ("clients",),
    ),
    Fault(
        "silence_database",
        "the network swallows what the server and its database say",
        lambda ground, _: _silence(_there(ground.storage), ground, SILENT_DATABASE_SECONDS),
        ("storage",),
    ),
    Fault(
        "cut_database",
        "the server does not reach its database",
        lambda ground, _: _cut(_there(ground.storage), ground),
        ("storage",),
    ),
    Fault(
        "delay_database",
        "the server and its database are far from each other",
        lambda ground, dice: _delay(_there(ground.storage), ground, dice),
        ("storage",),
    ),
)
