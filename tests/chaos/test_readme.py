"""chaos/README.md says of workloads, checkers and sabotages what they say of themselves."""

from __future__ import annotations

from pathlib import Path

from chaos.__main__ import WORKLOADS
from chaos.checkers.all import CHECKERS
from chaos.sabotage.all import SABOTAGES
from tests.chaos.sabotage_table import KEPT

README = (Path(__file__).parents[2] / "chaos/README.md").read_text()


def test_every_workload_is_described():
    assert [name for name in WORKLOADS if f"| `{name}` |" not in README] == []


def test_every_checker_stands_there_with_its_promise_and_whether_it_must_have_something():
    rows = [f"| `{c.name}` | {c.promise} | {'*' if c.required else ''} |" for c in CHECKERS]
    assert [row for row in rows if row not in README] == []


def test_every_sabotage_stands_there_with_who_convicts_it():
    for sabotage in SABOTAGES.values():
        names = ", ".join(f"`{name}`" for name in sorted(sabotage.convicts))
        told = f"| `{sabotage.workload}` | {sabotage.law} | {names or 'nobody: harmless'} |"
        assert f"| `{sabotage.name}` | {sabotage.about} {told}" in README


def test_the_kept_table_of_sabotages_has_each_with_all_who_convict_it():
    """A new one, or another of its checkers: the table is made again, as it says itself."""
    rows = {row.split("`")[1]: row for row in KEPT.read_text().splitlines() if row[:3] == "| `"}
    assert rows.keys() == SABOTAGES.keys()
    for name, sabotage in SABOTAGES.items():
        assert {who for who in sabotage.convicts if f"`{who}` (" not in rows[name]} == set()
        assert not sabotage.law or f"{sabotage.law}, " in rows[name]
