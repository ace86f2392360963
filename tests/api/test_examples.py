"""The examples of the description are true: what they ask for is done, what they answer can be."""

from __future__ import annotations

import re

import jsonschema_rs
import pytest

from app.auth.operator_keys import create_operator_key
from tests.described import World, operations


@pytest.fixture(scope="module")
def operator(offline) -> str:
    with offline.app_context():
        return create_operator_key("examples")[1]


@pytest.fixture(scope="module")
def spec(client) -> dict:
    return client.get("/api/v1/openapi.json").json()


def _valid(spec, schema, value, where):
    whole = {"components": spec["components"], **schema}
    errors = jsonschema_rs.Draft202012Validator(whole, validate_formats=True).iter_errors(value)
    assert [error.message for error in errors] == [], where


def test_every_call_that_takes_something_shows_what_and_is_answered_as_described(
    spec, new_vendor, operator
):
    done = []
    for operation in operations(spec):
        world = World(new_vendor(), operator)
        answer = world.call(operation)
        assert answer.status_code == operation.success, (operation.name, answer.text)
        described = operation.described["responses"][str(answer.status_code)]
        if answer.status_code == 204:
            assert answer.content == b""
        else:
            media = described["content"]["application/json"]
            _valid(spec, media["schema"], answer.json(), operation.name)
            assert set(media["example"]) >= set(answer.json()), operation.name
        sent = {name.lower() for name in answer.headers}
        told = {name.lower() for name in described["headers"]}
        assert sent & {"etag", "location", "x-request-id"} == told & {
            "etag",
            "location",
            "x-request-id",
        }, operation.name
        done.append(operation.name)
    assert len(done) > 40


def test_every_example_of_a_request_fits_its_schema(spec):
    for operation in operations(spec):
        if operation.body is not None:
            _valid(spec, operation.body["schema"], operation.body["example"], operation.name)
        for where in ("query", "header"):
            for name, one in operation.parameters(where).items():
                assert one["description"], (operation.name, name)
                if "example" in one:
                    _valid(spec, one["schema"], one["example"], (operation.name, name))


def test_every_answer_has_an_example_that_fits_its_schema(spec):
    for operation in operations(spec):
        for status, response in operation.described["responses"].items():
            for media in response.get("content", {}).values():
                where = (operation.name, status)
                found = [one["$ref"] for one in media.get("examples", {}).values()]
                names = [reference.rsplit("/", 1)[-1] for reference in found]
                examples = [spec["components"]["examples"][name]["value"] for name in names]
                examples += [media["example"]] if "example" in media else []
                assert examples, where
                for example in examples:
                    _valid(spec, media["schema"], example, where)
                    if status >= "400":
                        assert example["status"] == int(status), where


def test_every_pattern_is_anchored_so_that_all_read_it_alike(spec):
    patterns = re.findall(r"'pattern': '(.*?)(?<!\\)'", str(spec))
    assert patterns
    for pattern in patterns:
        assert pattern.startswith("^"), pattern
        assert pattern.endswith("$"), pattern


def test_every_schema_is_used(spec):
    text = str(spec)
    for name in spec["components"]["schemas"]:
        assert f"#/components/schemas/{name}'" in text, name


def test_the_description_says_whose_it_is_and_where_to_send_what(spec):
    assert spec["info"]["license"]["identifier"] == "MIT"
    assert spec["info"]["version"]
    assert spec["servers"] == [{"url": "/", "description": "This server."}]
    tags = {tag["name"]: tag["description"] for tag in spec["tags"]}
    for operation in operations(spec):
        assert all(tags[tag] for tag in operation.described["tags"]), operation.name
