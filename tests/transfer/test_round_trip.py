"""What is imported and exported again is what was in the files, whatever stands in them.

Each run tries the same few vendors; `SLOTKEEPER_TEST_TRADES=100` draws so many others at random.
"""

from __future__ import annotations

import json
import os

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.records.formulas import guarded, unguarded
from app.records.writing import together, writer
from app.transfer.kinds import KINDS
from tests import sweep
from tests.trade import records
from tests.transfer.small_trades import WORDS, trades

DRAWN = os.environ.get("SLOTKEEPER_TEST_TRADES")


def _write(folder, form, wanted):
    """The vendor's files, as an export writes them."""
    folder.mkdir()
    paths = {kind: folder / f"{kind}.{form}" for kind in KINDS}
    with together(paths.values()):
        for kind, path in paths.items():
            with writer(path, tuple(KINDS[kind].columns), form) as rows:
                for record in wanted[kind]:
                    rows.write(record)
    return list(paths.values())


def _in_any_order(rows):
    for row in rows:
        # A cell of CSV: the order of its members says nothing.
        if isinstance(row.get("metadata"), str) and row["metadata"]:
            row["metadata"] = json.loads(row["metadata"])
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


@settings(
    max_examples=int(DRAWN or 8),
    derandomize=DRAWN is None,
    deadline=None,
    # Each smaller trade is an import more: what fails is told as it was drawn.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(wanted=trades(), form=st.sampled_from(["csv", "json"]))
def test_an_export_of_an_import_is_the_import(new_trade, module_owner, wanted, form):
    one = new_trade()
    paths = _write(one.folder / "in", form, wanted)
    one.take_files(paths)
    folder = one.export(form)
    for path in paths:
        there, said = _in_any_order(records(folder / path.name)), _in_any_order(records(path))
        # Only what differs, since files of such texts are long.
        assert set(there) ^ set(said) == set(), path.stem
        assert there == said, path.stem
    found = records(one.export("json", "plainly") / "bookings.json")
    told = {one["ref"]: one for one in wanted["bookings"]}
    assert {row["ref"]: (row["notes"], row["metadata"]) for row in found} == {
        ref: (row["notes"], row["metadata"]) for ref, row in told.items()
    }
    sweep.assert_clean(module_owner, one.vendor_id)


@settings(deadline=None)
@given(text=WORDS)
def test_no_cell_of_an_export_is_a_formula_and_every_one_comes_back(text):
    assert guarded(text)[0] not in "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
    assert unguarded(guarded(text)) == text
