"""Faults of the network, made by proxies of our own between clients, server and database."""

from __future__ import annotations

import random

from chaos.faults import Fault, FaultError, Ground, Hit
from chaos.faults.proxy import Proxy

SECONDS = 2.0
DELAY_SECONDS_MAX = 0.15


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
        ground.last(SECONDS)
    finally:
        proxy.losing = False
    return {"answers": proxy.lost - before}


def _cut(proxy: Proxy, ground: Ground) -> Hit:
    before = proxy.cut
    proxy.down = True
    try:
        proxy.cut_all()
        ground.last(SECONDS)
    finally:
        proxy.down = False
    return {"connections": proxy.cut - before}


def _delay(proxy: Proxy, ground: Ground, dice: random.Random) -> Hit:
    before = proxy.delayed
    proxy.delay_seconds = dice.uniform(DELAY_SECONDS_MAX / 3, DELAY_SECONDS_MAX)
    try:
        ground.last(SECONDS)
    finally:
        proxy.delay_seconds = 0.0
    return {"pieces": proxy.delayed - before}


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
