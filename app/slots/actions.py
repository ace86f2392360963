"""Writes of slots: one Python function a SQL function, of the same name."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import json
from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

from app import db
from app.errors.refusals import refusal
from app.idempotency import IdempotencyKey


def publish_slots(
    vendor_id: UUID,
    provider_id: UUID,
    slots: list[dict[str, Any]],
    on_overlap: str,
    actor: dict[str, Any],
    *,
    key: IdempotencyKey | None = None,
    within: Session | None = None,
) -> db.Row:
    """slot_ids, replayed, and facts with how many were published and skipped.

    All or nothing, `within` a transaction or as one. Raises SLOT_OVERLAP and what is wrong with the
    slot named by its index.
    """
    row = db.call(
        "publish_slots",
        within=within,
        p_vendor_id=vendor_id,
        p_provider_id=provider_id,
        p_slots=Jsonb(slots, dumps=json.dumps),
        p_on_overlap=on_overlap,
        p_idempotency_key=key.key if key else None,
        p_fingerprint=key.fingerprint if key else None,
        p_actor=actor,
    )
    if row.outcome != "PUBLISHED":
        raise refusal(row.outcome, row.facts, provider_id=str(provider_id))
    return row


def resize_slot(
    vendor_id: UUID,
    slot_id: UUID,
    values: dict[str, Any],
    expected_version: int | None,
    actor: dict[str, Any],
) -> dict[str, Any]:
    """The slot with `values`. Raises SLOT_IN_USE, SLOT_OVERLAP, PRECONDITION_FAILED and more."""
    row = db.call(
        "resize_slot",
        p_vendor_id=vendor_id,
        p_slot_id=slot_id,
        p_start=values.get("start"),
        p_end=values.get("end"),
        p_capacity=values.get("capacity"),
        p_location_id=values.get("location_id"),
        p_price=Jsonb(values["price"]) if "price" in values else None,
        p_expected_version=expected_version,
        p_actor=actor,
    )
    if row.outcome != "RESIZED":
        raise refusal(row.outcome, row.facts, slot_ids=[str(slot_id)])
    slot: dict[str, Any] = row.facts
    return slot


def delete_slot(
    vendor_id: UUID, slot_id: UUID, expected_version: int | None, actor: dict[str, Any]
) -> None:
    """The slot is gone. Raises SLOT_IN_USE, SLOT_NOT_FOUND, PRECONDITION_FAILED."""
    row = db.call(
        "delete_slot",
        p_vendor_id=vendor_id,
        p_slot_id=slot_id,
        p_expected_version=expected_version,
        p_actor=actor,
    )
    if row.outcome != "DELETED":
        raise refusal(row.outcome, row.facts, slot_ids=[str(slot_id)])
