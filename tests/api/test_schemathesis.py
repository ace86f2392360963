"""Schemathesis sends every call what its description allows, and what it does not."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from app.auth.operator_keys import create_operator_key
from tests.api.schemathesis_hooks import excused
from tests.described import World, operations

HERE = Path(__file__).parent
# Each call also gets some hundreds of cases that do not depend on this, at every bound.
EXAMPLES_PER_CALL = 6
SECONDS_MAX = 240
# Checks that are not run, and why. All others are.
EXCLUDED: dict[str, str] = {}
CONFIGURATION = """
hooks = "{hooks}"
# The same requests in each run: what fails here fails again.
generation.deterministic = true
generation.database = "none"

[checks.positive_data_acceptance]
# 400 too; but refused_for_a_reason, in the hooks, passes it only for what no schema can say. 412:
# an If-Match that fits the description is of some version, hardly of the present one.
expected-statuses = ["2xx", "304", "400", "401", "403", "404", "409", "412"]

[auth.openapi.api_key]
bearer = "{key}"
[auth.openapi.manage_token]
# A token opens one booking; the vendor's key opens them all, and the same calls.
bearer = "{key}"
[auth.openapi.operator_key]
bearer = "{operator}"
"""


@pytest.fixture
def prepared(client, new_vendor, offline, tmp_path_factory) -> tuple[Path, Path]:
    """The configuration, and the description with ids in its examples that exist."""
    folder = tmp_path_factory.mktemp("schemathesis")
    with offline.app_context():
        operator = create_operator_key("schemathesis")[1]
    api = new_vendor()
    spec = client.get("/api/v1/openapi.json").json()
    hooks = HERE / "schemathesis_hooks.py"
    lines = [CONFIGURATION.format(hooks=hooks, key=api.key, operator=operator)]
    shared = World(api, operator)
    for operation in operations(spec):
        # One of its own for each that changes things: what one call deletes, the next one needs.
        world = shared if operation.method == "GET" else World(api, operator)
        operation.described.update(world.real(operation.described))
        lines.append(f'[[operations]]\ninclude-operation-id = "{operation.name}"')
        named = {
            name: world.ids.get(name.removesuffix("_id"), api.slug) for name in _names(operation)
        }
        lines.append("[operations.parameters]")
        lines += [f'"path.{name}" = "{value}"' for name, value in named.items()]
    configuration, description = folder / "schemathesis.toml", folder / "openapi.json"
    configuration.write_text("\n".join(lines))
    description.write_text(json.dumps(spec))
    return configuration, description


def _names(operation) -> list[str]:
    return re.findall(r"\{(\w+)\}", operation.path)


def test_no_request_gets_what_the_description_does_not_say(prepared, shared_server):
    configuration, description = prepared
    ran = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            f"--config-file={configuration}",
            "run",
            description,
            f"--url={shared_server.url}",
            "--checks=all",
            *[f"--exclude-checks={','.join(EXCLUDED)}"] * bool(EXCLUDED),
            "--mode=all",
            f"--max-examples={EXAMPLES_PER_CALL}",
            "--continue-on-failure",
            "--no-shrink",
            "--no-color",
        ],
        cwd=configuration.parent,
        env={**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    print(ran.stdout[-20_000:])
    assert ran.returncode == 0, ran.stdout[-20_000:] + ran.stderr
    generated = re.search(r"(\d+) generated", ran.stdout)
    assert generated is not None
    assert int(generated[1]) > 3_000
    tested = re.search(r"Tested: (\d+)", ran.stdout)
    spec = json.loads(description.read_text())
    assert tested is not None
    assert int(tested[1]) == len(list(operations(spec)))


@pytest.mark.parametrize("field", ["name", "slots.0.start", "price", "amount", "unprice.amounts"])
def test_what_is_required_is_excused_of_the_halves_of_a_price_alone(field):
    assert excused({"field": "price.amount", "message": "Is required."})
    assert excused({"field": "price.currency", "message": "Is required."})
    assert not excused({"field": field, "message": "Is required."})


def test_nothing_that_was_sent_was_a_defect(shared_server):
    log = shared_server.log.read_text()
    assert [line for line in log.splitlines() if '"unexpected"' in line] == []
    assert httpx.get(f"{shared_server.url}/readyz", trust_env=False).status_code == 200
