"""Promises broken where no law can see it: only whoever compares answers with the truth can."""

from __future__ import annotations

from chaos.sabotage import Sabotage, Saboteur
from chaos.sabotage.laws import ATTACK, CLAIM, sabotage

FIRST_STEP = "-- 0. What can be known without looking at the calendar."
KEY = r"INSERT INTO idempotency_keys \(vendor_id, key, fingerprint, booking_id\)"
SUCCESS = r"CASE WHEN p_hold_for IS NULL THEN 'CONFIRMED' ELSE 'HELD' END"
LAPSED = r"hold_expires_at <= clock_timestamp\(\)"


def _key_apart(saboteur: Saboteur) -> None:
    """As if by another transaction: who asks sees only what others have brought home before."""
    saboteur.execute(
        "CREATE TABLE keys_to_come (vendor_id uuid, key text, fingerprint bytea, booking_id uuid)",
        "DROP TABLE keys_to_come",
    )
    columns = "(vendor_id, key, fingerprint, booking_id)"
    saboteur.rewrite(CLAIM, KEY, f"INSERT INTO keys_to_come {columns}")
    saboteur.rewrite(
        CLAIM,
        FIRST_STEP,
        "INSERT INTO idempotency_keys (vendor_id, key, fingerprint, booking_id)"
        " SELECT DISTINCT ON (k.key) k.vendor_id, k.key, k.fingerprint, k.booking_id"
        " FROM keys_to_come k JOIN bookings b ON b.vendor_id = k.vendor_id AND b.id = k.booking_id"
        " WHERE k.key = p_idempotency_key ON CONFLICT DO NOTHING;",
    )


def _key_forgotten(saboteur: Saboteur) -> None:
    saboteur.execute(
        "CREATE TABLE keys_to_come (vendor_id uuid, key text, fingerprint bytea, booking_id uuid)",
        "DROP TABLE keys_to_come",
    )
    columns = "(vendor_id, key, fingerprint, booking_id)"
    saboteur.rewrite(CLAIM, KEY, f"INSERT INTO keys_to_come {columns}")


def _replays_not_said(saboteur: Saboteur) -> None:
    saboteur.rewrite("replay_booking", r"(?m)^ +same,$", "same AND random() < 0.5,")


def _key_for_everybody(saboteur: Saboteur) -> None:
    saboteur.rewrite("replay_booking", r"k\.fingerprint = p_fingerprint AND", "")


def _success_forgotten(saboteur: Saboteur) -> None:
    """A refusal does not ask whether the same request has won before."""
    saboteur.rewrite(
        CLAIM,
        r"IF p_idempotency_key IS NOT NULL THEN\s+IF v_locked THEN",
        "IF false THEN IF v_locked THEN",
    )


def _event_apart(saboteur: Saboteur) -> None:
    """As if by another transaction, which has not come yet when everything is over."""
    saboteur.execute(
        "CREATE TABLE events_to_come (LIKE events INCLUDING DEFAULTS)", "DROP TABLE events_to_come"
    )
    saboteur.rewrite("move_booking", "INSERT INTO events ", "INSERT INTO events_to_come ")


def _event_lies(saboteur: Saboteur) -> None:
    saboteur.rewrite(
        "move_booking",
        r"p_booking\.version \+ 1, p_status, actor_of",
        "p_booking.version + 1,"
        " CASE p_status WHEN 'cancelled' THEN 'expired' ELSE p_status END, actor_of",
    )


def _free_live_holds(saboteur: Saboteur) -> None:
    saboteur.rewrite("expire_holds", LAPSED, "hold_expires_at IS NOT NULL")
    saboteur.rewrite("expire_bookings", LAPSED, "hold_expires_at IS NOT NULL")


def _holds_never_lapse(saboteur: Saboteur) -> None:
    saboteur.rewrite("lapsed_holds_in", "hold_expires_at <= v_now", "hold_expires_at < '-infinity'")
    saboteur.rewrite("expire_holds", LAPSED, "hold_expires_at < '-infinity'")


def _confirm_too_late(saboteur: Saboteur) -> None:
    saboteur.rewrite(
        "lock_current_booking",
        r"v_booking\.hold_expires_at <= clock_timestamp\(\)",
        "v_booking.hold_expires_at < '-infinity'",
    )


def _guess(saboteur: Saboteur) -> None:
    saboteur.rewrite(
        CLAIM,
        FIRST_STEP,
        "IF random() < 0.3 THEN RETURN QUERY SELECT 'BOOKING_CONFLICT', NULL::uuid, false,"
        " jsonb_build_object('reason', 'booked', 'requested', p_quantity, 'available', 0,"
        " 'slot_id', p_slot_ids[1], 'start', utc(now()), 'end', utc(now() + '1 h'),"
        " 'time_zone', 'UTC', 'alternatives', '[]'::jsonb); RETURN; END IF;",
    )


def _offer_anything(saboteur: Saboteur) -> None:
    """What was just refused is offered instead of itself."""
    saboteur.rewrite(
        "explain_refusal",
        r"find_alternatives\([^)]*\)",
        "jsonb_build_array(jsonb_build_object('slot_ids', jsonb_build_array(v_short.slot_id),"
        " 'provider_id', v_short.provider_id, 'location_id', v_short.location_id,"
        " 'start', utc(lower(v_short.during)), 'end', utc(upper(v_short.during)),"
        " 'time_zone', 'UTC', 'available', p_quantity, 'kind', 'same_provider'))",
    )


def _show_everything_free(saboteur: Saboteur) -> None:
    saboteur.rewrite(
        "list_availability",
        r"COALESCE\(sum\(c\.quantity\), 0\)::integer AS places",
        "0 AS places",
    )


def _say_another(saboteur: Saboteur) -> None:
    saboteur.rewrite(
        CLAIM, r"v_booking_id, false, d\.description", "uuidv7(), false, d.description"
    )


def _refuse_and_book(saboteur: Saboteur) -> None:
    saboteur.rewrite(
        CLAIM, SUCCESS, "CASE WHEN random() < 0.3 THEN 'INVENTORY_LOCKED' ELSE 'CONFIRMED' END"
    )


def _cancel_in_words_only(saboteur: Saboteur) -> None:
    saboteur.rewrite(
        "change_booking_status",
        r"PERFORM free_booking\(v_booking, p_status, p_actor[^;]*\);",
        "IF p_status <> 'cancelled' THEN <it> END IF;",
    )


def _cancel_in_vain(saboteur: Saboteur) -> None:
    right = "EXECUTE ON FUNCTION cancel_booking"
    saboteur.execute(f"REVOKE {right} FROM slotkeeper_app", f"GRANT {right} TO slotkeeper_app")


KEYS = "one_booking_a_key"
SABOTAGES: list[Sabotage] = [
    sabotage(
        "key_written_apart",
        "the key is written in a transaction of its own",
        "idempotency",
        _key_apart,
        f"{KEYS} acknowledged_is_there",
    ),
    sabotage("key_forgotten", "keys are not kept", "idempotency", _key_forgotten, KEYS),
    sabotage(
        "some_replays_are_not_said",
        "half of those who are told again what was done hear that it was done now",
        "idempotency",
        _replays_not_said,
        KEYS,
    ),
    sabotage(
        "key_for_everybody",
        "whoever knows a key gets its booking",
        "idempotency",
        _key_for_everybody,
        KEYS,
    ),
    sabotage(
        "success_forgotten",
        "a refusal does not ask whether the same request has won before",
        "idempotency",
        _success_forgotten,
        KEYS,
    ),
    sabotage(
        "event_apart",
        "a move and its event are committed apart",
        "capacity",
        _event_apart,
        "events_retell_the_state",
    ),
    sabotage(
        "event_lies",
        "the event tells of another move",
        "capacity",
        _event_lies,
        "events_retell_the_state",
    ),
    sabotage(
        "sweeper_frees_live_holds",
        "the sweeper does not look at the time",
        "hold_expiry",
        _free_live_holds,
        "holds_last_as_promised",
    ),
    sabotage(
        "holds_never_lapse",
        "a lapsed hold is in the way",
        "hold_expiry",
        _holds_never_lapse,
        "refusals_have_reasons",
    ),
    sabotage(
        "confirmed_too_late",
        "a lapsed hold can be confirmed",
        "hold_expiry",
        _confirm_too_late,
        "holds_last_as_promised",
    ),
    sabotage(
        "refusals_are_guesses",
        "one request of three is refused without a look",
        "capacity",
        _guess,
        "refusals_have_reasons",
    ),
    sabotage(
        "alternatives_are_guesses",
        "what is taken is offered",
        "capacity",
        _offer_anything,
        "alternatives_were_free",
    ),
    sabotage(
        "all_is_shown_free",
        "the availability list does not look at claims",
        "capacity",
        _show_everything_free,
        "availability_was_true",
    ),
    sabotage(
        "another_is_acknowledged",
        "the answer names another booking",
        ATTACK,
        _say_another,
        "acknowledged_is_there",
    ),
    sabotage(
        "refused_but_booked",
        "some are refused though they are booked",
        ATTACK,
        _refuse_and_book,
        "acknowledged_is_there",
    ),
    sabotage(
        "cancelled_in_words_only",
        "a cancellation answers and does nothing",
        ATTACK,
        _cancel_in_words_only,
        "acknowledged_is_there",
    ),
    sabotage(
        "nobody_may_cancel",
        "the role has lost a right it needs",
        ATTACK,
        _cancel_in_vain,
        "server_never_fails answers_are_documented",
    ),
]
