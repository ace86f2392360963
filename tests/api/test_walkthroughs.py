"""The pages of docs/api that walk through something are true: each call gets what it prints."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "api"
PAGES = ["getting-started", *sorted(page.stem for page in FOLDER.glob("example-*.md"))]
STEP = re.compile(r"```sh\n(.*?)```\n```json\n// (\d{3})\n(.*?)```", re.DOTALL)
# What a reader replaces by a value of their own: BOOKING_ID, MANAGE_TOKEN.
NAME = re.compile(r"\b[A-Z]+(?:_[A-Z]+)*_(?:ID|TOKEN)\b")
# What a page has a shell say, $DAY or ${DAY}; and how the reader is told to find a day.
VARIABLE = re.compile(r"\$\{?([A-Z]+)\}?")
DAY = re.compile(r"^\$ export ([A-Z]+)=(\$\(date .*\))$", re.MULTILINE)
BASE = re.compile(r"^\$ export ([A-Z]+)=http\S+ KEY=sk_…$", re.MULTILINE)


@pytest.mark.parametrize("name", PAGES)
def test_every_call_of_the_page_gets_the_answer_that_it_prints(vendor, name):
    page = (FOLDER / f"{name}.md").read_text()
    steps = STEP.findall(page)
    assert len(steps) == page.count("```sh\n")
    variables = {BASE.search(page)[1]: vendor.base, "KEY": vendor.key, **days(page)}
    known: dict[str, str] = {}
    for command, status, printed in steps:
        answer = curl(vendor.client, with_names(with_variables(command, variables), known))
        assert answer.status_code == int(status), f"{command}{answer.text}"
        if printed:
            compare(answer.json(), as_json(with_variables(printed, variables)), known)
    assert known.keys() == set(NAME.findall(page))


def test_the_pages_of_examples_are_there_and_found_from_the_readme():
    readme = (FOLDER.parents[1] / "README.md").read_text()
    assert PAGES[1:] == [f"example-{one}" for one in ("clinic", "hotel", "salon", "tour")]
    for name in PAGES:
        assert f"docs/api/{name}.md" in readme, name


def days(page: str) -> dict[str, str]:
    """The days that the page has a shell count from today."""
    told = {}
    for name, command in DAY.findall(page):
        words = ["/bin/sh", "-c", f"echo {command}"]
        done = subprocess.run(words, check=True, capture_output=True, text=True, timeout=30)
        told[name] = done.stdout.strip()
    return told


def with_variables(text: str, variables: dict[str, str]) -> str:
    return VARIABLE.sub(lambda found: variables[found[1]], text)


def with_names(text: str, known: dict[str, str]) -> str:
    """The command as a reader sends it. A name that no answer has told by now is a KeyError."""
    return NAME.sub(lambda found: known[found[0]], text)


def curl(client: httpx.Client, command: str) -> httpx.Response:
    """What curl would send: -X, -H, -d and an address are all that the pages need."""
    words = iter(shlex.split(command.replace("\\\n", " ")))
    assert next(words) == "curl"
    headers, method, address, body = {}, None, "", None
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(words)
        else:
            address = word
    return client.request(
        method or ("POST" if body else "GET"),
        address,
        headers=headers,
        content=body and body.encode(),
    )


def as_json(printed: str) -> Any:
    """The printed answer; its … become a member, or a last element, that allows others."""
    more = re.sub(r",?\s*…(?=\s*\])", ', "…"', printed)
    return json.loads(re.sub(r',?\s*(?<!")…', ', "…": null', more).replace("{, ", "{"))


def compare(real: Any, printed: Any, known: dict[str, str]) -> None:
    """Members are as printed, and no others unless … says so; names are bound or looked up."""
    if isinstance(printed, dict):
        assert printed.keys() - {"…"} <= real.keys(), real
        assert "…" in printed or printed.keys() == real.keys(), real
        for name in printed.keys() - {"…"}:
            compare(real[name], printed[name], known)
    elif isinstance(printed, list):
        told = printed[:-1] if printed[-1:] == ["…"] else printed
        assert len(real) == len(told) or (told != printed and len(real) > len(told)), real
        for one, other in zip(real, told, strict=False):
            compare(one, other, known)
    elif isinstance(printed, str) and NAME.fullmatch(printed):
        assert known.setdefault(printed, real) == real, printed
    elif printed != "…":
        assert real == printed
