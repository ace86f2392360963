"""What a request that fits the description may nevertheless be refused for with 400.

JSON Schema speaks of one member at a time. Each sentence below is of a rule between members, or
between a member and what is in the calendar; any other 400 to a request that fits the description
is a defect of the description, or of the server.
"""

from __future__ import annotations

import re

import schemathesis

BEYOND_THE_SCHEMA = {
    "Not a cursor of this list": "Only the list itself can tell its cursors from others.",
    "end must be after the start": "start and end are compared with each other.",
    "at most 92 days": "from and to are compared with each other.",
    "Must be between the years": "format: date-time has no bounds.",
    "Must be a day, such as": "format: date has none either.",
    "must not be before the first": "Two days are compared with each other.",
    "days after the first": "As above.",
    "start: Is required.": "Time off needs start and end, or days.",
    "end: Is required.": "As above.",
    "starts_on: Is required.": "As above.",
    "Give either days": "Members of a time off that exclude each other.",
    "days long": "Two times are compared with each other.",
    "Line ": "What a calendar's file holds is no schema's business.",
    "Some of these times overlap": "Times are compared with each other.",
    "Overlaps the night of the day before": "As above.",
    "Cannot start at 24:00": "What may end a day may not begin it.",
    "Shorter than slot_minutes": "Hours are compared with slot_minutes.",
    "Only between slots of a length": "Members of a schedule that need each other.",
    "Closed days have none": "Members of an exception that exclude each other.",
    "need some": "Members of an exception that need each other.",
    "Not a time as RFC 3339": "format: date-time allows the 60th second and 24 o'clock somewhere.",
    "Send one ETag": "Where calls follow one another, a version is sent as it stands, unquoted.",
    "Give customer or customer_id": "Members that exclude each other.",
    "Give a name, an e-mail address or a number": "One of three, each of them optional.",
    "an address or a number must remain": "As above, in a merge patch.",
    "does not tell which times": "What a vendor lets the public see is a setting.",
    "Say which time": "One of four ways to name the time, in members that are each optional.",
    "Give slot_id or slot_ids": "As above.",
    "A part of a slot needs": "As above.",
    "A part of a slot lasts": "Two times are compared with each other.",
    "needs start and end with it": "As above.",
    "Goes with service_id and start alone": "As above.",
    "Give location_id or location_ids": "As above.",
    "no such sales channel": "What a vendor has mapped is a setting.",
    "Needs a start and an end": "As above.",
    "Give start and end together": "As above.",
    "has already begun": "The present is not in the description.",
    "Must not be in the future": "As above.",
    "A slot lies at most 20 years": "As above.",
    "A slot lasts at": "How far an end is from its start.",
    "does not tell which times have so many": "Nor is what a vendor has set to be shown.",
    "not inside the time that is published": "Nor is the calendar.",
    "Nothing is published in between": "As above.",
    "do not follow each other": "As above.",
    "The same slot is named twice": "Two spellings of one id are one slot.",
    "belongs to another provider": "What belongs to what is in the database.",
    "is at another location": "As above.",
    "different currencies": "As above.",
    "This service ": "What the rules of a service are is in the database, too.",
    "does not do this service": "As above.",
    "are at different locations": "As above.",
    "A provider stands once in a service": "Members of different needs are compared.",
    "A service of whole slots has no buffers": "Members of a service that exclude each other.",
    "Is less than quantity_min": "As above.",
    "Is as long as window_days": "As above.",
    "say how many places": "As above.",
    "control character": "A pattern without them would be unreadable, for each text.",
    "Is empty": "A query cannot tell an empty text from none.",
    "Length must be between": "Blanks around a text are taken off before it is measured.",
    "body: Is required.": "A body that is no JSON may be an empty text.",
    "price.amount: Is required.": "Where no price is, a merge patch must be a whole one.",
    "price.currency: Is required.": "As above.",
    "Not a time zone": "The list is the IANA database, 600 names long.",
    "Longer than": "How long an object is when written out.",
    "Must be an e-mail address": "format: email allows more than mail servers do.",
    "Nested too deeply": "An object of the caller's own may be anything, but not any depth.",
    "too many digits": "JSON has no longest number; ours has a hundred digits.",
    "Holds a character that is no text": "NUL and half a surrogate pair fit type: string.",
}


def excused(error: dict[str, str]) -> bool:
    """Whether one of the sentences is in what `error` says, its field first."""
    said = f"{error.get('field', '')}: {error['message']}"
    # A sentence that names a field is of this one, and not of another that ends alike.
    return any(
        said == one if one.endswith(": Is required.") else one in said for one in BEYOND_THE_SCHEMA
    )


@schemathesis.check
def refused_for_a_reason(ctx, response, case) -> None:
    """Positive data gets a 400 only for what the schema cannot say."""
    del ctx
    generation = case.meta.generation.mode if case.meta else None
    if response.status_code != 400 or generation is not schemathesis.GenerationMode.POSITIVE:
        return
    problem = response.json()
    for error in problem["errors"] if "errors" in problem else [{"message": problem["detail"]}]:
        if not excused(error):
            raise AssertionError(f"refused, though it fits the description: {error}")


@schemathesis.check
def nothing_of_the_inside(ctx, response, case) -> None:
    """No answer holds SQL, a stack, or the name of what we are made of."""
    del ctx, case
    text = response.text
    found = re.search(r"Traceback|psycopg|sqlalchemy|marshmallow|SQLSTATE|File \"", text)
    if found:
        raise AssertionError(f"shows its inner life: {found[0]}")
