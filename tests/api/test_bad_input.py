"""Bad bodies get a problem that names the field, on every call of the description alike.

The inputs are data (tests/bad_inputs.py); which calls there are, and what kind each of their
members is, is read from the description: a new call is tried without being named.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.wire.examples import example_of
from app.wire.fields import _time_zones
from tests import bad_inputs
from tests.bad_answers import check, each, kind_of, members, spoilt
from tests.bad_calendars import CALENDARS
from tests.bad_inputs import Bad
from tests.bad_inputs_page import render
from tests.described import operations

DOCS = Path(__file__).parents[2] / "docs" / "api" / "bad-input.md"


# Bodies.


@each(bad_inputs.BODIES)
def test_a_bad_body_is_refused_on_every_call_that_takes_one(spec, world, bad):
    tried = 0
    for operation in operations(spec):
        if operation.text or (operation.body is None and operation.method != "POST"):
            continue
        example = world.real(operation.body["example"]) if operation.body else {}
        headers = dict(bad.headers or bad_inputs.JSON)
        if headers.get("Content-Type") == "":
            del headers["Content-Type"]
        answer = world.call(operation, content=bad.sent(example), headers=headers)
        check(bad, answer, operation.name)
        tried += 1
    assert tried > 15


@each(CALENDARS)
def test_a_file_that_is_no_calendar_is_refused_by_its_line(spec, world, bad):
    (operation,) = [one for one in operations(spec) if one.text]
    headers = dict(bad.headers)
    check(bad, world.call(operation, content=bad.sent, headers=headers), operation.name)


def _value(  # noqa: PLR0911  # One line a case.
    bad: Bad, schema: dict[str, Any], made: Any, *, nullable: bool
) -> tuple[bool, Any]:
    """Whether the input is bad for this member, and what is sent."""
    match bad.sent:
        case None:
            return not nullable, None
        case "most + 1":
            return "maximum" in schema, schema.get("maximum", 0) + 1
        case "too long":
            return "maxLength" in schema, "x" * (schema.get("maxLength", 0) + 1)
        case "too many":
            return "maxItems" in schema, made * (schema.get("maxItems", 0) + 1)
        case 0 if "minimum" in schema and not isinstance(bad.sent, bool):
            return schema["minimum"] > 0, 0
        case []:
            return bad.says != bad_inputs.LENGTH or schema.get("minItems", 0) > 0, []
        case _:
            return True, bad.sent


@pytest.mark.parametrize("kind", bad_inputs.MEMBERS)
def test_a_bad_member_is_refused_by_its_name_in_every_body(spec, world, kind):
    tried: dict[str, int] = {}
    for operation in operations(spec):
        if operation.body is None:
            continue
        example = world.real(operation.body["example"])
        for path, schema, nullable in members(spec, operation.body["schema"]):
            if kind_of(str(path[-1]), schema) != kind:
                continue
            made = example_of(schema, spec["components"])
            for bad in bad_inputs.MEMBERS[kind]:
                fits, value = _value(bad, schema, made, nullable=nullable)
                if fits:
                    body = spoilt(spec, operation, example, path, value)
                    answer = world.call(operation, json=body)
                    field = ".".join(map(str, path))
                    check(bad, answer, (operation.name, field), field)
                    tried[bad.what] = tried.get(bad.what, 0) + 1
    assert set(tried) == {bad.what for bad in bad_inputs.MEMBERS[kind]}, "some were never sent"


# What is accepted, and the page.


def test_every_time_zone_that_is_accepted_is_known_to_the_database(shared_server):
    with psycopg.connect(shared_server.database.app_url) as connection:
        known = {name for (name,) in connection.execute("SELECT name FROM pg_timezone_names")}
    assert _time_zones() - known == set()
    assert len(_time_zones()) > 400


def test_lines_and_tabs_are_kept_where_prose_is_written(world):
    address = "1 Corner Street\n\tBack yard\n10115 Berlin"
    assert world.api.location(address=address)["address"] == address


def test_the_page_says_what_is_tried_and_answered():
    assert DOCS.read_text() == render(), "python -m tests.bad_inputs_page > docs/api/bad-input.md"
