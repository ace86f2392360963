"""What is broken for services that are booked by their start, and for search."""

from __future__ import annotations

from chaos.sabotage import Sabotage, Saboteur
from chaos.sabotage.laws import CLAIM, sabotage

ANY = "claim_service_and_create_booking"
OPENINGS = "service_openings"


def _first_candidate_only(saboteur: Saboteur) -> None:
    """Who comes first in the order is asked, whether free or not, and nobody else."""
    saboteur.rewrite(
        ANY, r"p_any_start => NOT v_public\)", "p_any_start => true, p_taken => false)"
    )
    saboteur.rewrite(ANY, r"p_any_start => true\)", "p_any_start => true, p_taken => false)")
    saboteur.rewrite(ANY, r"ORDER BY o\.available DESC, o\.place", "ORDER BY o.place")
    saboteur.rewrite(
        ANY, "WHILE v_refusal IS NULL LOOP", "<it> EXIT WHEN cardinality(v_tried) > 0;"
    )


def _buffers_unseen(saboteur: Saboteur) -> None:
    """Search looks for the time shown, as if nothing had to be free around it."""
    buffer = r"make_interval\(mins => p_service\.buffer_(before|after)_minutes\)"
    saboteur.rewrite(OPENINGS, buffer, "interval '0'")


def _buffers_unclaimed(saboteur: Saboteur) -> None:
    saboteur.rewrite(
        CLAIM,
        r"v_from := p_start - make_interval\(mins => v_service\.buffer_before_minutes\);",
        "v_service.buffer_before_minutes := 0; v_service.buffer_after_minutes := 0; <it>",
    )


def _claims_unseen(saboteur: Saboteur) -> None:
    saboteur.rewrite(OPENINGS, "WHERE p_taken AND c.vendor_id", "WHERE false AND c.vendor_id")


def _one_need_is_enough(saboteur: Saboteur) -> None:
    """Of therapist and room only the therapist is claimed, and nobody minds."""
    alone = "ARRAY[b.provider_id]"
    saboteur.rewrite(OPENINGS, r"ARRAY\[b\.provider_id\] \|\| others\.ids", alone)
    saboteur.rewrite("check_service_providers", r"IF v_needed\.filled <> 1", "IF false")


def _anybody_first(saboteur: Saboteur) -> None:
    saboteur.rewrite(OPENINGS, r"o\.preference, l\.seconds,", "o.preference DESC, l.seconds,")


WORKLOAD = "services"
SABOTAGES: list[Sabotage] = [
    sabotage(
        "only_the_first_candidate_is_tried",
        "a service is refused when who comes first is taken, whoever else is free",
        WORKLOAD,
        _first_candidate_only,
        "any_provider_who_is_free_does_it",
    ),
    sabotage(
        "buffers_are_not_looked_at",
        "search looks for the time shown, and not for the buffers around it",
        WORKLOAD,
        _buffers_unseen,
        "times_shown_were_true",
    ),
    sabotage(
        "search_does_not_look_at_claims",
        "what is taken is shown by search",
        WORKLOAD,
        _claims_unseen,
        "times_shown_were_true",
    ),
    sabotage(
        "buffers_are_not_claimed",
        "of a service only the time shown is claimed",
        WORKLOAD,
        _buffers_unclaimed,
        "services_have_all_they_need",
    ),
    sabotage(
        "one_need_is_enough",
        "a service that takes therapist and room is given by the therapist alone",
        WORKLOAD,
        _one_need_is_enough,
        "services_have_all_they_need",
    ),
    sabotage(
        "the_least_preferred_comes_first",
        "providers are tried in the opposite order",
        WORKLOAD,
        _anybody_first,
        "preferred_providers_come_first",
    ),
]
