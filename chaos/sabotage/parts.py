"""What is broken for parts, joined slots and joint providers only."""

from __future__ import annotations

from chaos.sabotage import Sabotage, Saboteur
from chaos.sabotage.laws import sabotage


def _part_claimed_short(saboteur: Saboteur) -> None:
    """Of a part only its first half is claimed; a whole slot is claimed whole."""
    saboteur.rewrite(
        "insert_claims",
        r"v_part\.during, lowest_units",
        "CASE WHEN v_part.during = v_part.slot_during THEN v_part.during ELSE tstzrange("
        "lower(v_part.during), upper(v_part.during) - (upper(v_part.during) - lower(v_part.during))"
        " / 2) END, lowest_units",
    )


def _first_provider_only(saboteur: Saboteur) -> None:
    """A joint booking claims its first provider, and is whole by its own account."""
    ours = (
        "(SELECT count(*) FROM unnest(p_parts) AS p WHERE p.provider_id = p_parts[1].provider_id)"
    )
    for function in ("insert_booking", "insert_claims"):
        saboteur.rewrite(function, r"cardinality\(p_parts\)", ours)
    loop = "FOREACH v_part IN ARRAY p_parts LOOP"
    left_out = "CONTINUE WHEN v_part.provider_id <> p_parts[1].provider_id;"
    saboteur.rewrite("insert_claims", loop, f"{loop} {left_out}")


def _whole_slot_in_the_way(saboteur: Saboteur) -> None:
    saboteur.rewrite("look_at_slots", r"\(c\.during && v_part\.during\) IS TRUE", "true")
    _units_stay(saboteur)


def _units_stay(saboteur: Saboteur) -> None:
    """Only who finds a unit free from start to end has place, whatever the heads are."""
    saboteur.rewrite("look_at_slots", "IF NOT v_covering AND", "IF false AND")


def _look_at_the_start(saboteur: Saboteur) -> None:
    saboteur.rewrite(
        "look_at_slots",
        r"\(c\.during && v_part\.during\) IS TRUE",
        "c.during @> lower(v_part.during)",
    )
    saboteur.count_refusals()


def _lock_as_named(saboteur: Saboteur) -> None:
    """With a pause after each, so that those who come from the other side have begun."""
    saboteur.rewrite("lock_slots", r"AS id ORDER BY id\)", "AS id)")
    saboteur.rewrite(
        "lock_slots", r"FOR NO KEY UPDATE;", "FOR NO KEY UPDATE; PERFORM pg_sleep(0.003);"
    )


def _show_parts_free(saboteur: Saboteur) -> None:
    """A slot that is taken in part is shown as if nobody had any of it."""
    saboteur.rewrite(
        "list_availability",
        r"stretches\.free, s\.price_amount",
        "jsonb_build_array(jsonb_build_object('start', utc(lower(s.during)), 'end',"
        " utc(upper(s.during)), 'available', s.capacity)), s.price_amount",
    )


SABOTAGES: list[Sabotage] = [
    sabotage(
        "parts_are_claimed_short",
        "of a part, only the first half is claimed",
        "parts",
        _part_claimed_short,
        "time_is_held_as_asked no_place_given_twice",
    ),
    sabotage(
        "only_one_provider_is_claimed",
        "of therapist and room, only the first named is claimed",
        "parts",
        _first_provider_only,
        "time_is_held_as_asked",
    ),
    sabotage(
        "one_part_takes_the_slot",
        "whoever has an hour is in the way all day",
        "parts",
        _whole_slot_in_the_way,
        "refusals_have_reasons",
    ),
    sabotage(
        "units_stay_as_they_were_dealt",
        "whoever needs a place all day finds one only if nobody has to change the unit",
        "parts",
        _units_stay,
        "refusals_have_reasons",
    ),
    sabotage(
        "only_the_start_is_looked_at",
        "a part is free if it begins free",
        "parts",
        _look_at_the_start,
        "claims_are_never_aborted",
        law="23P01",
    ),
    sabotage(
        "slots_are_locked_as_named",
        "slots are locked in the order in which they are named",
        "parts",
        _lock_as_named,
        "claims_are_never_aborted",
    ),
    sabotage(
        "parts_are_shown_free",
        "the availability list shows all of a slot free to whoever wants a part",
        "parts",
        _show_parts_free,
        "availability_was_true",
    ),
]
