"""Services booked by their start alone: whoever is free does it, with all whom it takes.

Reckoned from what clients asked and heard: which slots the run published, who does which service
at which time by what the vendor was answered, and what surely or possibly stood.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from chaos.checkers import Checker, Finding
from chaos.checkers.diary import Diary, Service, calm, in_common
from chaos.checkers.places import OCCUPYING
from chaos.checkers.registers import ANSWERED_WITHIN_SECONDS
from chaos.evidence import Evidence, Span, moment

BY_SERVICE = "kind = 'book' AND json_extract(asked, '$.service_id') IS NOT NULL"
REFUSED = f"""
    SELECT n, attacker, began, ended, code, quantity, starts, ends, asked,
           CASE code WHEN 'BOOKING_CONFLICT' THEN 0
                     WHEN 'INSUFFICIENT_INVENTORY' THEN json_extract(answer, '$.available') END
    FROM operations
    WHERE {BY_SERVICE} AND result = 'fail'
      AND code IN ('BOOKING_CONFLICT', 'INSUFFICIENT_INVENTORY', 'SLOT_NOT_FOUND')
    ORDER BY json_extract(asked, '$.service_id'), starts
"""
# Who sends a request again may have been given it by the first.
TOLD = f"""
    SELECT o.n, o.attacker, first.began, o.ended, o.booking_id, o.quantity, o.starts, o.ends,
           o.asked, o.answer, first.times
    FROM operations o JOIN (
        SELECT token, min(began) AS began, count(*) AS times FROM operations
        WHERE {BY_SERVICE} GROUP BY token) AS first ON first.token = o.token
    WHERE {BY_SERVICE} AND o.result = 'ok'
    ORDER BY json_extract(o.asked, '$.service_id'), o.starts
"""
HELD = f"""
    SELECT b.id, b.slot_ids, b.status, b.quantity, o.n, o.began, o.ended, o.starts, o.ends, o.asked
    FROM bookings b JOIN (
        SELECT token, n, min(began) AS began, starts, ends, asked,
               -- Of whom nobody heard anything, the server may go on with it.
               max(CASE result WHEN 'ok' THEN ended
                   ELSE began + {ANSWERED_WITHIN_SECONDS} END) AS ended
        FROM operations WHERE {BY_SERVICE} GROUP BY token) AS o ON o.token = b.token
"""
CLAIMED = "SELECT slot_id, starts, ends FROM claims WHERE booking_id = ?"
SEARCHED = """
    SELECT n, attacker, began, ended, asked, answer FROM operations
    WHERE kind = 'search' AND result = 'ok' ORDER BY json_extract(asked, '$.service_id'), began
"""
# Whose time somebody has locked is waited for 0.25 s (docs/api/search.md), then passed over; nobody
# who was answered sooner has waited. A bit less by our clock.
WAITED_SECONDS_MIN = 0.2
# Those of whom it is asked who came first: of a service that takes one, and nobody was named.
OF_ONE = f"""
    SELECT count(*) FROM operations
    WHERE {BY_SERVICE} AND result = 'ok' AND json_extract(asked, '$.provider_id') IS NULL
      AND ended - began < {WAITED_SECONDS_MIN} AND json_extract(asked, '$.service_id') IN (
        SELECT key FROM json_each((SELECT value FROM run WHERE key = 'services'))
        WHERE json_array_length(value, '$.needs') = 1)
"""


def _false_refusals(evidence: Evidence) -> Iterator[Finding]:
    diary = Diary(evidence)
    for n, attacker, began, ended, code, quantity, *span, text, left in evidence.query(REFUSED):
        asked, (starts, ends), when = json.loads(text), span, (began, ended)
        service, only = diary.service(asked["service_id"]), asked.get("provider_id")
        words = f"operation {n} by {attacker}, {quantity} of {service.name} at {starts}: {code}"
        free = [
            next(
                (one for one in some if diary.surely_free(one, (starts, ends), quantity, when)),
                None,
            )
            for some in service.surely_doing(when, only)
        ]
        if all(free):
            yield Finding("refused_though_somebody_was_free", f"{words}, but {free} were free")
        elif left is not None and not _may_be_left(
            diary, service.possibly_doing(when, only), (starts, ends), left, when
        ):
            yield Finding("left_otherwise_than_said", f"{words}, {left} left")


def _may_be_left(
    diary: Diary, doing: list[set[str]], span: Span, left: int, when: tuple[float, float]
) -> bool:
    """Whether some of those who may do it may have had so many places left, and no more: of whom it
    is told, is up to the server, who looks more than once. Of whom nothing is there, nothing is.
    """
    needs = [[parts for one in some if (parts := diary.parts(one, span))] for some in doing]
    taken = (
        diary.possibly(slot, part).reaches(diary.capacity(slot).least(*when) - left, *when)
        for need in needs
        for parts in need
        for slot, part in parts
    )
    free = all(
        any(
            all(
                diary.surely(slot, part).falls_to(diary.capacity(slot).most(*when) - left, *when)
                for slot, part in parts
            )
            for parts in need
        )
        for need in needs
    )
    return not all(needs) or (any(taken) and free)


def _held_otherwise(evidence: Evidence) -> Iterator[Finding]:
    diary = Diary(evidence)
    for n, attacker, began, ended, booking_id, _, starts, ends, text, said, _ in evidence.query(
        TOLD
    ):
        asked, answer = json.loads(text), json.loads(said)
        about = f"operation {n} by {attacker}: booking {booking_id}"
        kind = _misgiven(diary, asked, answer["slots"], (starts, ends), (began, ended))
        if kind:
            yield Finding(kind, f"{about}, told to be of {answer['slots']}")
        shown = [moment(text) for text in answer["time"]]
        if shown != [moment(asked["start"]), moment(asked["end"])]:
            yield Finding("another_time_than_asked", f"{about} is at {answer['time']}")
    for booking_id, slot_ids, status, quantity, n, began, ended, *span, text in evidence.query(
        HELD
    ):
        asked, slots, about = json.loads(text), json.loads(slot_ids), f"booking {booking_id} of {n}"
        kind = _misgiven(diary, asked, slots, (span[0], span[1]), (began, ended))
        if kind:
            yield Finding(kind, f"{about} is of {slots}")
        if quantity != asked["quantity"]:
            yield Finding("another_quantity_than_asked", f"{about}: {quantity}")
        if status in OCCUPYING:
            claims = sorted(evidence.query(CLAIMED, [booking_id]))
            if claims != sorted(diary.cut(slot, (span[0], span[1])) for slot in slots):
                yield Finding("another_time_than_asked", f"{about} claims {claims}")


def _misgiven(
    diary: Diary, asked: dict[str, Any], slots: list[str], span: Span, when: tuple[float, float]
) -> str:
    """What is wrong with a service's being given by these slots; nothing if it is right."""
    providers = [diary.provider_of(slot) for slot in slots]
    only = asked.get("provider_id")
    if only and only not in providers:
        return "provider_left_out"
    service = diary.service(asked["service_id"])
    kinds = [_misfilled(needs, set(providers)) for needs in service.versions(when)]
    if "" not in kinds:
        return kinds[-1]
    # In the order of the needs; of each provider the slots that the time takes, in order of time.
    wanted = [
        slot for one in dict.fromkeys(providers) for slot, _ in diary.parts(one or "", span) or ()
    ]
    return "" if slots == wanted else "another_time_than_asked"


def _misfilled(needs: list[dict[str, int]], providers: set[str | None]) -> str:
    filled = [len(providers & need.keys()) for need in needs]
    if 0 in filled:
        return "provider_left_out"
    return "too_many_providers" if sum(filled) != len(providers) or max(filled) > 1 else ""


def _passed_over(evidence: Evidence) -> Iterator[Finding]:
    """Of joint services nothing is said: whom a try found may have lacked the others just then."""
    diary = Diary(evidence)
    told = evidence.query(TOLD)
    for n, attacker, began, ended, booking_id, quantity, *span, text, said, times in told:
        asked, answer, when = json.loads(text), json.loads(said), (began, ended)
        service = diary.service(asked["service_id"])
        if times > 1 or len(service.needs) > 1 or "provider_id" in asked:
            continue
        if ended - began >= WAITED_SECONDS_MIN:
            continue
        versions = [needs[0] for needs in service.versions(when)]
        given = diary.provider_of(answer["slots"][0]) or ""
        better = {
            one
            for one in versions[0]
            if all(one in some and some[one] < some.get(given, 0) for some in versions)
        }
        for one in sorted(better):
            if diary.surely_free(one, (span[0], span[1]), quantity, when):
                words = f"operation {n} by {attacker}: booking {booking_id} is with {given}"
                yield Finding("preferred_was_passed_over", f"{words}, though {one} was free")


def _false_times(evidence: Evidence) -> Iterator[Finding]:
    diary = Diary(evidence)
    for n, attacker, began, ended, text, said in evidence.query(SEARCHED):
        asked, answer, when = json.loads(text), json.loads(said), (began, ended)
        service = diary.service(asked["service_id"])
        about = f"operation {n} by {attacker}, {asked['quantity']} of {service.name}"
        shown: dict[int, set[str]] = {}
        for start, options in answer["times"]:
            at = moment(start)
            shown[at] = {providers[0] for providers, _ in options}
            for providers, places in options:
                kind = _untrue(diary, service, asked, (at, providers, places), when)
                if kind:
                    yield Finding(kind, f"{about}: {places} with {providers} at {start}")
        last = max(shown, default=0) if answer["more"] else moment(asked["to"])
        for at, provider in _surely_possible(diary, service, asked, when):
            if at < last and provider not in shown.get(at, ()):
                yield Finding("free_but_not_shown", f"{about}: {provider} at {at}")


def _untrue(
    diary: Diary,
    service: Service,
    asked: dict[str, Any],
    option: tuple[int, list[str], int],
    when: tuple[float, float],
) -> str:
    """What is wrong with an option (start, providers and places) that was shown; nothing if it was
    so at some moment.
    """
    start, providers, places = option
    only = asked.get("provider_id")
    filled = any(not _misfilled(needs, set(providers)) for needs in service.versions(when))
    if not filled or (only and only not in providers):
        return "shown_with_others"
    if not moment(asked["from"]) <= start < moment(asked["to"]):
        return "shown_beyond_what_was_asked"
    span = service.occupied(start)
    parts = [part for one in providers for part in diary.parts(one, span) or [("", span)]]
    begins = service.starts_of(diary, providers[0], (start, start + 1))
    if start not in begins or any(not slot for slot, _ in parts):
        return "shown_off_the_step"
    moments = [when]
    for slot, part in parts:
        room = diary.capacity(slot).most(*when) - max(places, asked["quantity"])
        moments = in_common(moments, calm(diary.surely(slot, part), room, when))
    if not moments:
        return "shown_free_but_taken"
    if not any(
        diary.possibly(slot, part).reaches(diary.capacity(slot).least(*when) - places, *when)
        for slot, part in parts
    ):
        return "shown_with_fewer_places"
    return ""


def _surely_possible(
    diary: Diary, service: Service, asked: dict[str, Any], when: tuple[float, float]
) -> Iterator[tuple[int, str]]:
    """Starts on the grid, in what was asked for, and who of the first need surely could do them."""
    window = (moment(asked["from"]), moment(asked["to"]))
    first, *others = service.surely_doing(when, asked.get("provider_id"))
    for provider in first:
        for start in service.starts_of(diary, provider, window):
            span = service.occupied(start)
            if all(
                any(diary.surely_free(one, span, asked["quantity"], when) for one in some)
                for some in ([provider], *others)
            ):
                yield start, provider


NEVER_IN_VAIN = Checker(
    "any_provider_who_is_free_does_it",
    "Whoever asks for a service by its start is refused only if for some need nobody was surely"
    " free, buffers included, all the time between question and answer, and is told how many places"
    " somebody may have had left.",
    _false_refusals,
    f"SELECT count(*) FROM ({REFUSED})",
)
ALL_HELD = Checker(
    "services_have_all_they_need",
    "Whoever has a service has one provider of each need, for just the time asked for with the"
    " buffers around it, and was told of whom.",
    _held_otherwise,
    f"SELECT count(*) FROM operations WHERE {BY_SERVICE} AND result = 'ok'",
)
IN_ORDER = Checker(
    "preferred_providers_come_first",
    "Nobody who had no lock to wait for is given a provider while one who is preferred was surely"
    " free all the time between question and answer.",
    _passed_over,
    OF_ONE,
)
TIMES = Checker(
    "times_shown_were_true",
    "Each time that a search shows could be had as shown at some moment between question and"
    " answer, and each that it leaves out could not be had at some moment.",
    _false_times,
    "SELECT count(*) FROM operations WHERE kind = 'search' AND result = 'ok'",
)
SERVICES = (NEVER_IN_VAIN, ALL_HELD, IN_ORDER, TIMES)
