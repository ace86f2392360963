"""docs/api/getting-started.md is true: its calls, in their order, get the answers it prints."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import httpx

PAGE = Path(__file__).parents[2] / "docs" / "api" / "getting-started.md"
STEP = re.compile(r"```sh\n(.*?)```\n```json\n// (\d{3})\n(.*?)```", re.DOTALL)
# What a reader replaces by a value of their own: BOOKING_ID, MANAGE_TOKEN.
NAME = re.compile(r"[A-Z]+_(?:ID|TOKEN)")


def test_every_call_of_the_page_gets_the_answer_that_it_prints(vendor):
    page = PAGE.read_text()
    steps = STEP.findall(page)
    assert len(steps) == page.count("```sh\n")
    known = {"$SALON": vendor.base, "$KEY": vendor.key}
    for command, status, printed in steps:
        answer = curl(vendor.client, known, command)
        assert answer.status_code == int(status), answer.text
        compare(answer.json(), as_json(printed), known)
    assert {"BOOKING_ID", "MANAGE_TOKEN", "COURSE_ID"} <= known.keys()


def curl(client: httpx.Client, known: dict[str, str], command: str) -> httpx.Response:
    """What curl would send: -X, -H, -d and an address are all that the page needs."""
    for name, value in known.items():
        command = command.replace(name, value)
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
    assert not NAME.search(address), f"{address}: not known by now"
    return client.request(
        method or ("POST" if body else "GET"), address, headers=headers, content=body
    )


def as_json(printed: str) -> Any:
    """The printed answer; its … become a member that allows others."""
    return json.loads(re.sub(r",?\s*…", ', "…": null', printed).replace("{, ", "{"))


def compare(real: Any, printed: Any, known: dict[str, str]) -> None:
    """Members are as printed, and no others unless … says so; names are bound or looked up."""
    if isinstance(printed, dict):
        assert printed.keys() - {"…"} <= real.keys(), real
        assert "…" in printed or printed.keys() == real.keys(), real
        for name in printed.keys() - {"…"}:
            compare(real[name], printed[name], known)
    elif isinstance(printed, list):
        assert len(real) == len(printed), real
        for one, other in zip(real, printed, strict=True):
            compare(one, other, known)
    elif isinstance(printed, str) and NAME.fullmatch(printed):
        assert known.setdefault(printed, real) == real
    else:
        assert real == printed
