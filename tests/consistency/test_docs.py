"""docs/operations/consistency.md says what the command does, and its examples are accepted."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from app.consistency.checks import CHECKS
from app.consistency.cli import check_command
from app.consistency.routes import BOOKINGS_MAX

PAGE = (Path(__file__).parents[2] / "docs" / "operations" / "consistency.md").read_text()
CRON_JOB = yaml.safe_load(re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[1])
TOLD = re.findall(r"slotkeeper consistency check([^\n`#|]*)", PAGE)
ARGUMENTS = [
    *(shlex.split(words) for words in TOLD),
    *(shlex.split(words.replace(",", " "))[2:] for words in re.findall(r"args: \[(.*?)\]", PAGE)),
]


def test_the_page_lists_every_check_as_the_program_does():
    rows = re.findall(r"^\| `(\w+)` \| (data|schema) \| (.*?) \|$", PAGE, re.MULTILINE)
    assert rows == [(check.name, check.of, check.finds) for check in CHECKS]


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=" ".join)
def test_every_example_is_a_command_that_is_understood(arguments):
    check_command.make_context("check", list(arguments))


def test_the_examples_were_found():
    assert len(ARGUMENTS) > 8
    assert any("--repair-plan" in one for one in ARGUMENTS)


def test_the_cron_job_runs_the_check_once_and_never_twice_at_once():
    spec = CRON_JOB["spec"]
    job = spec["jobTemplate"]["spec"]
    assert (CRON_JOB["kind"], spec["concurrencyPolicy"], job["backoffLimit"]) == (
        "CronJob", "Forbid", 0,
    )  # fmt: skip
    pod = job["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    assert pod["containers"][0]["args"][:2] == ["consistency", "check"]


def test_the_limit_of_the_call_is_the_one_told():
    assert f"{BOOKINGS_MAX:,} bookings" in PAGE
