"""The report as one HTML page that needs nothing from anywhere else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from chaos.faults.excuses import Calm
from chaos.faults.overload import Overload
from chaos.report.plot import plot

STYLE = Path(__file__).with_name("style.css")
SHOWN = 5
ABOUT = (
    "Many users attacked a running Slotkeeper at once: over HTTP as its customers and vendors, by"
    " its SQL functions, and by rows written by hand. Everything that was asked and answered was"
    " written down, with the time. Afterwards checkers, which share no code with Slotkeeper, read"
    " that history and the tables, and looked for anything that must never be: the same place sold"
    " twice, a lost booking, a refusal without a reason."
)
FIXES = (
    "The seed fixes the plan: the slots and their capacities, the dice of each user, by which each"
    " decides what to ask for, and the order of the faults. It does not fix the interleaving: when"
    " users meet is up to the network, the server, the database and the machine, and so is which of"
    " others' bookings somebody cancels. Two runs with one seed are alike, not equal."
)
UNKNOWN = (
    "ok: done. fail: refused, and surely not done. unknown: no answer, or a server error; it may"
    " have been done, and both are allowed for."
)

CALM_WORDS = (
    "A failure is excused while something is broken, and for a door, which is one user's"
    " connection, until its first answer afterwards, for three quarters of a second at least and"
    " ten seconds at most. Nothing excused one in"
)


def page(found: dict[str, Any]) -> str:
    """The page of these figures; everything that came from the run is escaped."""
    run = found["run"]
    title = f"Chaos: {run['workload']}, seed {run['seed']}"
    verdict = found["conclusion"]
    sections = [
        _head(found, verdict),
        _section("Over time", _over_time(found)),
        _section("What was promised", _verdicts(found["verdicts"])),
        _section("What was broken on purpose", _faults(found)),
        _section("Who attacked", _attackers(found)),
        _section("Who got a place", _won(found)),
        _section("How long answers took", _latencies(found)),
        _section("Everything that was answered", _outcomes(found)),
        _section("To repeat it", _repeat(found)),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}: {verdict}</title>"
        f"<style>{STYLE.read_text(encoding='utf-8')}</style></head>"
        f"<body><main>{''.join(sections)}</main></body></html>\n"
    )


def _head(found: dict[str, Any], verdict: str) -> str:
    run = found["run"]
    state = {"held": "held", "violated": "violated"}.get(found["outcome"], "unproved")
    back = sum(one["back_seconds"] is not None for one in found["faults"])
    tiles = {
        _attempts_word(found): f"{found['attempts']:,}",
        "seconds": f"{found['seconds']:,.1f}",
        "a second": f"{found['attempts'] / max(found['seconds'], 0.001):,.0f}",
        "users, at once at most": f"{run['users']}, {found['most_at_once']}",
        "faults, service back": f"{len(found['faults'])}, {back}",
        "violations": f"{found['violations']:,}",
    }
    boxes = "".join(f"<div><b>{escape(v)}</b><span>{k}</span></div>" for k, v in tiles.items())
    sabotage = (
        f'<p class="note">A guard had been broken on purpose: {escape(run["sabotage"])}. This run'
        " is to be convicted.</p>"
        if run.get("sabotage")
        else ""
    )
    notes = "".join(f"<p>{escape(note)}</p>" for note in found["notes"])
    notes = f'<div class="note">{notes}</div>' if notes else ""
    return (
        f"<header><h1>Chaos: {escape(run['workload'])}</h1>"
        f'<p class="verdict {state}">{verdict} <span>{escape(found["tally"])}</span></p>'
        f"{notes}{sabotage}<p>{ABOUT}</p>"
        f'<div class="tiles">{boxes}</div></header>'
    )


def _attempts_word(found: dict[str, Any]) -> str:
    course = found["course"]
    return "attempts" if course["complete"] else f"of {course['asked_for']:,} attempts"


def _section(title: str, content: str) -> str:
    return f"<section><h2>{title}</h2>{content}</section>"


def _over_time(found: dict[str, Any]) -> str:
    keys = (
        ("ok", "ok"),
        ("fail", "fail"),
        ("unknown", "unknown"),
        ("fault-key", "a fault, by its number below"),
    )
    legend = "".join(f'<span><i class="{name}"></i>{words}</span>' for name, words in keys)
    return f'<p class="legend">{legend}</p>{plot(found)}<p class="small">{UNKNOWN}</p>'


def _verdicts(verdicts: Iterable[dict[str, Any]]) -> str:
    rows = []
    for one in verdicts:
        # What proves nothing is not green; it is red only where every run must have it.
        seen = {"PASS": "pass", "EMPTY": "no" if one["required"] else "empty"}
        mark = f'<span class="{seen.get(one["status"], "no")}">{one["status"]}</span>'
        name = f"<code>{escape(one['checker'])}</code>"
        promise = escape(one["promise"]) + _findings(one)
        rows.append([mark, name, promise, f"{one['examined']:,}", f"{one['count']:,}"])
    return _table(["", "checker", "promise", ">examined", ">findings"], rows)


def _findings(verdict: dict[str, Any]) -> str:
    if verdict["status"] == "EMPTY":
        needed = " Every run must give it something." if verdict["required"] else ""
        return f'<p class="small">There was nothing to look at, which proves nothing.{needed}</p>'
    if not verdict["count"]:
        return ""
    kinds = "".join(
        f"<li><code>{escape(k)}</code>: {n:,}</li>" for k, n in verdict["kinds"].items()
    )
    first = "".join(
        f"<li><code>{escape(one['kind'])}</code>: {escape(one['about'])}</li>"
        for one in verdict["findings"][:SHOWN]
    )
    return f'<ul class="kinds">{kinds}</ul><p class="small">The first:</p><ul>{first}</ul>'


def _faults(found: dict[str, Any]) -> str:
    overload = Overload(**found["overload"])
    busy = f"<p>Excused by a busy machine: {escape(overload.words)}.</p>"
    if not found["faults"]:
        return f"<p>Nothing: this run had no faults.</p>{busy}"
    rows = []
    for number, one in enumerate(found["faults"], 1):
        lasted = "" if one["end"] is None else f"{one['end'] - one['begin']:.1f} s"
        back = "never" if one["back_seconds"] is None else f"{one['back_seconds']:.2f} s"
        what = f"<code>{escape(one['name'])}</code><br>{escape(one['about'])}"
        if one["failed"]:
            what += f'<br><span class="no">{escape(one["failed"])}</span>'
        rows.append(
            [
                str(number),
                what,
                f"{one['begin']:.1f} s",
                lasted,
                _counts(one["hit"]),
                _counts(one["seen"]) or "nothing: who asked was answered in the end",
                "" if one["slowest_seconds"] is None else f"{one['slowest_seconds']:.1f} s",
                back,
            ]
        )
    words = ["#", "fault", ">from", ">for", "hit", "clients saw meanwhile", ">longest wait"]
    words.append(">back after")
    calm = Calm(**found["calm"])
    return f"<p>{CALM_WORDS} {escape(calm.words)}.</p>{busy}{_table(words, rows)}"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {escape(what)}" for what, number in counts.items())


def _attackers(found: dict[str, Any]) -> str:
    names = ("attacker", "attempts", "ok", "fail", "unknown")
    rows = [
        [escape(one["attacker"]), *(f"{one[name]:,}" for name in names[1:])]
        for one in found["attackers"]
    ]
    results = found["results"]
    numbers = (found["attempts"], results["ok"], results["fail"], results["unknown"])
    rows.append(["<b>all</b>", *(f"<b>{number:,}</b>" for number in numbers)])
    return _table(["attacker", *(f">{name}" for name in names[1:])], rows)


def _won(found: dict[str, Any]) -> str:
    """Whether places were still fought over at the end of the run as at its beginning."""
    rows = [
        [f"{tenth}", f"{one['asked']:,}", f"{one['won']:,}", _percent(one["won"], one["asked"])]
        for tenth, one in enumerate(found["won"], 1)
    ]
    heads = [">tenth of the run", ">asked to book", ">got it", ">of a hundred"]
    return _table(heads, rows)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else ""


def _latencies(found: dict[str, Any]) -> str:
    names = ("p50", "p95", "p99", "max")
    rows = [
        [
            escape(one["kind"]),
            escape(one["door"]),
            f"{one['answers']:,}",
            *(f"{one[name]:,.1f}" for name in names),
        ]
        for one in found["latencies_ms"]
    ]
    heads = ["asked for", "by", ">answers", *(f">{name}, ms" for name in names)]
    return _table(heads, rows)


def _outcomes(found: dict[str, Any]) -> str:
    rows = [
        [
            escape(one["kind"]),
            escape(one["door"]),
            escape(one["result"]),
            f"<code>{escape(one['code'])}</code>",
            "" if one["status"] is None else str(one["status"]),
            f"{one['number']:,}",
        ]
        for one in found["outcomes"]
    ]
    heads = ["asked for", "by", "result", "answer", ">status", ">number"]
    return f"<details><summary>{len(rows)} kinds</summary>{_table(heads, rows)}</details>"


def _repeat(found: dict[str, Any]) -> str:
    run = found["run"]
    machine, target = run.get("machine", {}), run["target"]
    versions = ", ".join(f"{name} {told}" for name, told in run["versions"].items())
    facts = {
        "seed": run["seed"],
        "commit": run["commit"] or "unknown",
        "begun": run["started_at"],
        "versions": versions,
        "PostgreSQL": run.get("postgresql", "unknown"),
        "cores": machine.get("cores", "unknown"),
        "system": machine.get("system", "unknown"),
        "target": f"{target['url']}, vendor {target['vendor']}"
        + (", a demo made for this run" if run.get("fresh") else ""),
    }
    rows = [[name, escape(str(told))] for name, told in facts.items()]
    return f"<pre>{escape(found['repeat'])}</pre><p>{FIXES}</p>{_table(None, rows)}"


def _table(heads: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> str:
    """`heads` that begin with > are of columns of numbers. Cells are HTML."""
    classes = [' class="number"' if head.startswith(">") else "" for head in heads or ()]
    first = "".join(
        f"<th{how}>{head.lstrip('>')}</th>" for head, how in zip(heads or (), classes, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{classes[index] if heads else ''}>{cell}</td>" for index, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    head = f"<thead><tr>{first}</tr></thead>" if heads else ""
    return f'<div class="wide"><table>{head}<tbody>{body}</tbody></table></div>'
