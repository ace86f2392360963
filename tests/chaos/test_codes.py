"""What chaos takes for documented is what the documents say."""

from __future__ import annotations

import re
from pathlib import Path

from chaos.codes import DOCUMENTED, LAWS, REFUSALS

CHECKOUT = Path(__file__).parents[2]


def test_every_code_that_is_taken_for_documented_is_documented_with_its_status():
    text = (CHECKOUT / "docs/api/errors.md").read_text()
    documented = re.findall(r"^### `([A-Z_]+)` — ([0-9]{3})$", text, re.MULTILINE)
    assert DOCUMENTED.items() <= {code: int(status) for code, status in documented}.items()


def test_every_refusal_that_is_expected_is_documented():
    assert set().union(*REFUSALS.values()) <= DOCUMENTED.keys()


def test_every_law_that_refuses_raw_writers_is_documented():
    text = (CHECKOUT / "app/sql/README.md").read_text()
    assert {state for state in LAWS if f"`{state}`" in text} == LAWS
