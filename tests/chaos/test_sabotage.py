"""Every guard that is broken on purpose is missed by a checker, or made harmless by a law.

`python -m chaos sabotages` prints the table: sabotage, workload, and who finds out. The clean run
of each workload, with the same seed on the same server, passes.

Each run tries the first of every kind: what finds it, and which law stops it. All of them:
`SLOTKEEPER_TEST_SABOTAGES=all`; what came of that is kept in docs/chaos/sabotages.md.
"""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
import pytest

from chaos.__main__ import WORKLOADS
from chaos.checkers.all import CHECKERS
from chaos.checkers.calendars import CALENDARS
from chaos.checkers.erased import ERASED
from chaos.checkers.renewals import RENEWALS
from chaos.checkers.services import SERVICES
from chaos.sabotage import Saboteur
from chaos.sabotage.all import SABOTAGES
from chaos.sabotage.kinds import KINDS
from tests.chaos.attacks import attack
from tests.chaos.sabotage_table import Tried, write

SEED = "7"
EXCLUSION = "23P01"
# Who meets whom is chance: a sabotage is given some seeds, each with a clean run beside it.
SEEDS = (SEED, "8", "9", "10")
# Long enough that whoever looks for something finds it; the holds need time to lapse.
SIZES = {
    "hold_expiry": ("--iterations", "700", "-u", "24"),
    "calendars": ("--iterations", "900", "-u", "20"),
    "everything": ("--iterations", "600", "-u", "40"),
    # One of many ways to write by hand what no law allows: it once escaped.
    "slots_may_overlap": ("--iterations", "2000", "-u", "16"),
}
SIZE = ("--iterations", "500", "-u", "16")
FIRST_OF_ITS_KIND = {
    (tuple(sorted(sabotage.convicts)), sabotage.law): name
    for name, sabotage in reversed(SABOTAGES.items())
}
# Of its kind this one is tried: it once escaped.
FIRST_OF_ITS_KIND[("refusals_have_reasons",), ""] = "units_stay_as_they_were_dealt"
TRIED = (
    list(SABOTAGES)
    if os.environ.get("SLOTKEEPER_TEST_SABOTAGES") == "all"
    else [name for name in SABOTAGES if name in FIRST_OF_ITS_KIND.values()]
)


@pytest.fixture(scope="module")
def arena(server):
    """One server for all runs of this module: each fights over slots of its own."""
    return server


@pytest.fixture(scope="module")
def clean_runs(arena, tmp_path_factory):
    """The clean run of each workload, run once when it is first asked for."""
    done = {}

    def clean_run(workload, seed=SEED, name=""):
        size = size_of(workload, name)
        if (workload, seed, size) not in done:
            folder = tmp_path_factory.mktemp("clean")
            words = ("--workload", workload, "--seed", seed, *size)
            done[workload, seed, size] = attack(arena, folder, *words)
        return done[workload, seed, size]

    return clean_run


@pytest.fixture(scope="module")
def table():
    """Of every sabotage that was found, what found it; kept at the end if somebody wants it."""
    tried = []
    yield tried
    write(tried)


@pytest.mark.parametrize("workload", WORKLOADS)
def test_the_clean_run_of_each_workload_passes(workload, clean_runs):
    run = clean_runs(workload)
    assert run.code == 0, run.output
    assert run.convicted_by == set()


@pytest.mark.parametrize("name", TRIED)
def test_each_sabotage_is_found_or_stopped_by_a_law(name, arena, clean_runs, table, tmp_path):
    sabotage = SABOTAGES[name]
    for seed in SEEDS:
        clean = clean_runs(sabotage.workload, seed, name)
        assert clean.code == 0, clean.output
        run, refusals = sabotaged(sabotage, seed, arena, tmp_path / seed)
        found = {verdict.checker: verdict.kinds for verdict in run.verdicts.values()}
        print(f"{name}, seed {seed}: { {who: found[who] for who in sorted(run.convicted_by)} }")
        if sabotage.convicts <= run.convicted_by and sabotage.kinds <= found_in(run):
            break
    assert run.code == (1 if sabotage.convicts else 0), run.output
    assert sabotage.convicts <= run.convicted_by, run.output
    assert sabotage.kinds <= found_in(run), run.output
    if sabotage.law:
        # The law refused what would have done harm; the data are sound. (A claim that the exclusion
        # refuses looks again, and tells nobody; the sabotage has counted them.)
        told = run.counted(f"code = '{sabotage.law}' AND door = 'sql'")
        assert refusals if sabotage.law == EXCLUSION else told, run.output
        harmed = {"no_place_given_twice", "no_unit_taken_twice", "no_half_booking"}
        assert not harmed & run.convicted_by, run.output
    sizes = (clean.counted("TRUE"), run.counted("TRUE"))
    refused = (refusals or told) if sabotage.law else None
    commit = run.header()["commit"]
    convicted = {who: kinds for who, kinds in found.items() if kinds}
    table.append(Tried(sabotage, seed, commit, *sizes, convicted, refused))


def size_of(workload, name):
    """Of a sabotage's runs, or else of its workload's."""
    return SIZES.get(name) or SIZES.get(workload, SIZE)


def found_in(run):
    """The kinds of findings of all checkers."""
    return {kind for verdict in run.verdicts.values() for kind in verdict.kinds}


def sabotaged(sabotage, seed, arena, folder):
    """The run with that guard broken, which is whole again afterwards, and how often the exclusion
    refused a claim, if the sabotage counts that: then nobody writes by hand.
    """
    folder.mkdir()
    with psycopg.connect(arena.database.owner_url, autocommit=True) as owner:
        saboteur = Saboteur(owner)
        try:
            sabotage.breaks(saboteur)
            size = size_of(sabotage.workload, sabotage.name)
            words = ("--workload", sabotage.workload, "--seed", seed, *size)
            run = attack(arena, folder, *words, owner=sabotage.law != EXCLUSION)
            return run, saboteur.refusals()
        finally:
            saboteur.mend()


def test_each_sabotage_that_convicts_says_by_which_kinds_of_findings_there_are():
    assert KINDS.keys() == {name for name, sabotage in SABOTAGES.items() if sabotage.convicts}
    said = {kind for kinds in KINDS.values() for kind in kinds.split()}
    checkers = (Path(__file__).parents[2] / "chaos/checkers").glob("*.py")
    known = "\n".join(path.read_text() for path in checkers)
    assert {kind for kind in said if f'"{kind}"' not in known} == set()


def test_there_are_more_than_fifteen_and_every_checker_convicts_somebody():
    assert len(TRIED) >= 15
    convicting = {checker for name in TRIED for checker in SABOTAGES[name].convicts}
    checkers = {checker.name for checker in (*CHECKERS, *SERVICES, *CALENDARS, RENEWALS, ERASED)}
    # A run without contention convicts itself, and needs no sabotage.
    assert checkers - convicting == {"places_were_contended"}
