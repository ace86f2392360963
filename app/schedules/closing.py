"""Lets published time and busy time agree, in pieces far from a statement's time limit."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import db

# So many slots are closed in a fraction of a second.
PIECE_MAX = 250


def close_in_pieces(
    session: Session, vendor_id: UUID, provider_id: UUID, **given: Any
) -> dict[str, int]:
    """Close what is free in the provider's busy time and open what is busy no more, however many
    slots that is: how many blocks were `blocked` and `lifted`.

    All in the transaction of the caller; slots are locked in one order over all pieces. `given`:
    p_actor of close_busy_time.
    """
    done = {"blocked": 0, "lifted": 0}
    after: UUID | None = None
    lift = True
    while True:
        facts = db.call(
            "close_busy_time",
            within=session,
            p_vendor_id=vendor_id,
            p_provider_id=provider_id,
            p_after=after,
            p_most=PIECE_MAX,
            p_lift=lift,
            **given,
        ).facts
        done = {name: number + facts[name] for name, number in done.items()}
        if "next" not in facts:
            return done
        # Blocks to be lifted are there when we begin, or never; to look for them reads all blocks.
        after, lift = UUID(facts["next"]), facts["stale"]
        # Those made while a table was small may read all of it for each row that is wanted.
        session.execute(text("DISCARD PLANS"))
