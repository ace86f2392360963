"""Why a field of a request was refused, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.errors.moments import minute_from, minute_to, said_either, said_moment, said_span

Facts = Mapping[str, Any]

# The braces take the refusal's facts, and what _said makes of them.
REASONS: dict[str, str] = {
    "slot_ids_empty": "Name at least one slot.",
    "too_many_slots": "One booking can take at most {most} slots.",
    "duplicate_slots": "The same slot is named twice.",
    "quantity_out_of_range": "Must be between 1 and 100000.",
    "capacity_out_of_range": "Must be between 1 and 100000.",
    "hold_out_of_range": "A hold lasts between one second and seven days.",
    "start_and_end_go_together": "Give start and end together, or neither for the whole slot.",
    "start_and_end_needed": "Needs a start and an end.",
    "outside_slot": "The time asked for is not inside the time that is published.",
    "gap": "Nothing is published in between: {span}.",
    "not_adjacent": "The slots do not follow each other in the provider's calendar, in order of"
    " time.",
    "different_span": "The slots of the different providers do not cover the same time.",
    "in_the_past": "This time has already begun.",
    "service_required": "This vendor is booked by service: name one of GET …/services.",
    "service_duration": "This service takes {minutes}: book exactly that long.",
    "whole_slots": "This service takes whole slots, such as {span}.",
    "service_end": "This service takes {minutes}: let `end` be so long after `start`, or leave it"
    " out.",
    "end_of_whole_slot": "This service takes one whole slot, such as {span}. Several in a row: name"
    " them as `slot_ids`, or `provider_id` with `start` and `end`.",
    "service_quantity": "This service is booked for {least} to {most} at once.",
    "service_quantity_least": "This service is booked for {least} or more at once.",
    "service_notice": "This service is booked ahead: now from {earliest} on.",
    "service_window": "This service is booked at most {days} ahead: until {latest}.",
    "service_step": "This service begins in steps of {minutes}: at {either}.",
    "provider_does_not_offer": "The provider {provider_id} does not do this service: its `needs`"
    " name who does.",
    "need_unfilled": "This service also needs a provider as {role}: name slots of exactly one of"
    " those in its `needs`, too; or leave out slots and `end`, and whoever is free is found.",
    "need_filled_twice": "This service needs one provider as {role}, not several.",
    "one_provider": "This service is done by one provider: name slots of one.",
    "different_locations": "The slots are at different locations.",
    "provider_mismatch": "The slot belongs to another provider.",
    "location_mismatch": "The slot is at another location.",
    "mixed_currency": "The slots have prices in different currencies.",
    "capacities_differ": "The slots differ in capacity: say how many places to close.",
    "price_invalid": "Needs an amount of at most 10000000000 minor units and a currency.",
    "end_not_after_start": "The end must be after the start.",
    "not_finite": "Start and end must be moments in time.",
    "part_too_short": "A part of a slot lasts at least one minute.",
    "slot_too_short": "A slot lasts at least one minute.",
    "slot_too_long": "A slot lasts at most 366 days: publish several, one after another.",
    "slot_too_far_ahead": "A slot lies at most 20 years ahead: send an earlier time.",
    "slot_too_far_back": "A slot lies at most 20 years back: send a later time.",
    "length_out_of_range": "Must have {least} to {most} characters.",
    "unknown_kind": "Must be appointment or block.",
    "block_has_no_customer": "A block is nobody's appointment.",
    "not_a_whole_number": "Must be a whole number.",
    "guests_out_of_range": "Must be between {least} and {most}.",
    "not_an_object": "Must be an object.",
    "not_a_fitting_text": "Must be a text, neither too short nor too long.",
    "too_long": "Longer than {most} characters.",
    "vendors_only": "Only the vendor writes these, with an API key.",
    "name_needed": "Say who is coming.",
    "unknown_channel": "The vendor has no such sales channel.",
    "channel_elsewhere": "This sales channel does not lead to the location of this time.",
    "contact_needed": "Give an e-mail address or a telephone number.",
}


def sentence(facts: Facts) -> str:
    """What is wrong, from the facts of a refusal that names its reason."""
    reason = str(facts.get("reason", ""))
    said = {**facts, **_said(facts)}
    return REASONS[reason].format_map(said) if reason in REASONS else f"Refused: {reason}."


def _said(facts: Facts) -> dict[str, str]:
    """Lengths and moments among the facts as people say them, where they are."""
    zone = facts.get("time_zone")
    said = {
        f"{unit}s": count(facts[f"{unit}s"], unit)
        for unit in ("minute", "day")
        if f"{unit}s" in facts
    }
    if {"start", "end"} <= facts.keys():
        said["span"] = said_span(facts["start"], facts["end"], zone)
    if "next" in facts:
        said["either"] = said_either(facts["previous"], facts["next"], zone)
    if "earliest" in facts:
        said["earliest"] = said_moment(minute_from(facts["earliest"]), zone)
    if "latest" in facts:
        said["latest"] = said_moment(minute_to(facts["latest"]), zone)
    return said


def count(number: int, noun: str) -> str:
    """So many of them: 1 place, 2 places."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
