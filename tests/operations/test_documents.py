"""What operators are handed is true: settings, metrics, alerts, dashboard, container, units."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import fields
from itertools import combinations
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from app.cli import main
from app.config import Settings, owner_database_url, shared_metrics
from app.errors import CODES
from tests.operations import exposed

CHECKOUT = Path(__file__).parents[2]
FOLDER = CHECKOUT / "docs" / "operations"
PAGES = sorted(FOLDER.glob("*.md"))
UNITS = sorted((FOLDER / "systemd").iterdir())
ALERTS = [
    rule
    for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
PANELS = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
QUERIES = [(rule["alert"], rule["expr"]) for rule in ALERTS] + [
    (panel["title"], target["expr"].replace("$__rate_interval", "5m"))
    for panel in PANELS
    for target in panel["targets"]
]
# Sections and names that these units use; a misspelt one would be ignored without a word.
UNIT_NAMES = {
    "Unit": {"Description", "Wants", "After"},
    "Install": {"WantedBy"},
    "Timer": {"OnCalendar", "RandomizedDelaySec", "Persistent"},
    "Service": {
        *("Type", "EnvironmentFile", "Environment", "ExecStart", "Restart", "RestartSec"),
        *("KillSignal", "KillMode", "TimeoutStopSec", "DynamicUser", "NoNewPrivileges"),
        *("PrivateTmp", "PrivateDevices", "ProtectSystem", "ProtectHome", "ProtectKernelTunables"),
        *("ProtectKernelModules", "ProtectControlGroups", "RestrictAddressFamilies"),
        *("RestrictNamespaces", "LockPersonality", "SystemCallArchitectures", "UMask"),
    },
}


class _Asked(dict[str, str]):
    """An environment that notes what it is asked for."""

    def __init__(self, **given: str) -> None:
        super().__init__(given)
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)


def _settings() -> set[str]:
    """The settings that the program asks its environment for."""
    asked = _Asked(DATABASE_OWNER_URL="postgresql://owner@127.0.0.1/x")
    Settings.from_environment(asked)
    owner_database_url(asked)
    return asked.names


def _table(page: str, first: str) -> dict[str, list[str]]:
    """The rows of the table whose first column has this heading, by the names in that column."""
    found: dict[str, list[str]] = {}
    lines = (FOLDER / page).read_text().splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith(f"| {first} |"))
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line[1:].removesuffix("|").split("|")]
        for name in re.findall(r"`([^`]+)`", cells[0]):
            found[name] = cells[1:]
    return found


def test_the_table_of_settings_has_every_setting_and_no_other():
    # The last one is the library's; `serve` makes it for its processes.
    assert set(_table("settings.md", "setting")) == _settings() | {"PROMETHEUS_MULTIPROC_DIR"}
    assert isinstance(shared_metrics(), str)


def test_the_table_of_settings_tells_the_defaults():
    told = {name: row[0].strip("`") for name, row in _table("settings.md", "setting").items()}
    for field in fields(Settings):
        default, name = field.default, f"SLOTKEEPER_{field.name.upper()}"
        if default and name in told:
            assert told[name] == str(default), name
    numbers = {field.name for field in fields(Settings) if field.default == 0}
    assert {told[f"SLOTKEEPER_{name.upper()}"] for name in numbers} == {"0"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_and_files_that_a_page_names_are_there(page):
    text = page.read_text()
    named = set(re.findall(r"\bSLOTKEEPER_[A-Z_]+[A-Z]\b", text))
    assert named <= _settings()
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (page.parent / link).exists(), link
    for path in re.findall(r"`((?:tests|docs|app)/[\w./]+)`", text):
        assert (CHECKOUT / path).exists(), path


def test_the_table_of_metrics_has_every_metric_with_its_labels_and_no_other():
    told = {
        name: set(filter(None, row[0].split(", ")))
        for name, row in _table("watching.md", "metric").items()
    }
    assert told == {name: labels for name, (_, labels) in exposed.families().items()}


def _selectors(expression: Any) -> Iterator[Any]:
    """The selectors of series in a parsed query."""
    if isinstance(expression, promql_parser.VectorSelector):
        yield expression
    for name in ("lhs", "rhs", "expr", "param", "vector_selector"):
        inner = getattr(expression, name, None)
        if inner is not None:
            yield from _selectors(inner)
    for inner in getattr(expression, "args", None) or ():
        yield from _selectors(inner)


def _complaints(query: str) -> Iterator[str]:
    """What a query asks for that no server or worker shows."""
    series = exposed.series()
    for selector in _selectors(promql_parser.parse(query)):
        if selector.name != "up" and selector.name not in series:
            yield f"no series {selector.name}"
            continue
        labels = series.get(selector.name, set()) | exposed.OF_TARGETS
        for matcher in selector.matchers.matchers:
            if matcher.name not in labels:
                yield f"{selector.name} has no label {matcher.name}"
            if matcher.name == "code":
                yield from (f"no code {c}" for c in matcher.value.split("|") if c not in CODES)
    for names in re.findall(r"\bby \(([^)]*)\)", query):
        for name in names.split(", "):
            if not any(name in labels for labels in series.values()):
                yield f"nothing has a label {name}"


@pytest.mark.parametrize("name, query", QUERIES)
def test_a_query_of_alerts_or_dashboard_asks_for_what_there_is(name, query):
    assert not list(_complaints(query)), name


@pytest.mark.parametrize(
    "query",
    [
        "slotkeeper_nothing > 0",
        "rate(slotkeeper_http_request_seconds[5m])",
        'sum(slotkeeper_bookings_total{result="held"})',
        'slotkeeper_refusals_total{code=~"INVENTORY_LOCKED|NO_SUCH_CODE"}',
        "sum by (colour) (slotkeeper_pool_size)",
    ],
)
def test_a_query_for_what_is_not_there_is_noticed(query):
    assert list(_complaints(query))


def test_each_alert_says_how_bad_it_is_and_what_to_do():
    for rule in ALERTS:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert set(rule["annotations"]) == {"summary", "action"}
        assert re.fullmatch(r"[0-9]+[mh]", rule.get("for", "0m"))
    assert len({rule["alert"] for rule in ALERTS}) == len(ALERTS)


def test_the_dashboards_panels_lie_side_by_side():
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    for one, other in combinations([panel["gridPos"] for panel in PANELS], 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)


def _steps() -> list[tuple[str, str]]:
    text = (FOLDER / "Containerfile").read_text()
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line[:1] not in {"", "#"}]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def test_the_container_installs_all_that_a_checkout_has(tmp_path):
    copied = [
        path.rstrip("/")
        for word, rest in _steps()
        if word == "COPY" and not rest.startswith("--from")
        for path in rest.split()[:-1]
    ]
    for path in copied:
        target = tmp_path / "few" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (CHECKOUT / path).is_dir() else shutil.copy
        copy(CHECKOUT / path, target, **_AS_IT_IS if copy is shutil.copytree else {})
    ignored = shutil.ignore_patterns(".*", "*.egg-info", "build", "__pycache__")
    shutil.copytree(CHECKOUT, tmp_path / "all", symlinks=True, ignore=ignored)
    installed = _built(tmp_path / "few")
    assert installed == _built(tmp_path / "all")
    assert "app/docs/pages/errors.md" in installed


_AS_IT_IS = {"symlinks": True, "ignore": shutil.ignore_patterns("__pycache__")}


def _built(source: Path) -> set[str]:
    """The files of the wheel that pip builds there."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet"]
    words = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", "wheels", "."]
    subprocess.run([*pip, *words], cwd=source, check=True, capture_output=True)
    (wheel,) = (source / "wheels").iterdir()
    with zipfile.ZipFile(wheel) as opened:
        return {name for name in opened.namelist() if ".dist-info/" not in name}


def test_the_container_runs_as_nobody_on_a_pinned_python_and_can_be_asked():
    steps = _steps()
    bases = {rest.split()[0] for word, rest in steps if word == "FROM"}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.[0-9]+-slim-[a-z]+", bases.pop())
    last = len(steps) - [word for word, _ in steps][::-1].index("FROM")
    final = dict(steps[last:])
    assert int(final["USER"]) > 0
    assert "/healthz" in final["HEALTHCHECK"]
    assert json.loads(final["ENTRYPOINT"]) == ["slotkeeper"]
    assert json.loads(final["CMD"])[0] in main.commands


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_has_only_names_that_systemd_knows_and_runs_a_command_of_ours(unit):
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(unit)
    for section in parser.sections():
        assert set(parser[section]) <= UNIT_NAMES[section], section
    if unit.suffix == ".timer":
        assert unit.with_suffix(".service").exists()
        return
    program, *words = parser["Service"]["ExecStart"].split()
    assert program == "/opt/slotkeeper/bin/slotkeeper"
    group: Any = main
    for word in words:
        group = group.commands[word]
    for name in re.findall(r"^Environment=(\w+)=", unit.read_text(), re.MULTILINE):
        assert name in _settings()


def test_systemd_has_nothing_to_say_against_the_units(tmp_path):
    """Where there is systemd; the test above shows the same elsewhere."""
    for unit in UNITS:
        # It wants to see the program.
        text = unit.read_text().replace("/opt/slotkeeper/bin/slotkeeper", "/bin/true")
        (tmp_path / unit.name).write_text(text)
    verify = shutil.which("systemd-analyze")
    if verify:
        done = subprocess.run(
            [verify, "verify", *sorted(tmp_path.iterdir())],
            check=False,
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, "")
