"""The house rules, as a test that tests itself: each rule is shown an offender it must catch."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import pytest

CHECKOUT = Path(__file__).parents[1]
TOP_LEVEL = {
    ".ci",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "app",
    "bench",
    "chaos",
    "clients",
    "docs",
    "migrations",
    "pyproject.toml",
    "requirements-dev.txt",
    "requirements.txt",
    "tests",
    "wsgi.py",
}
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
SQL_LINES_MAX = 80
SENTENCE_WORDS_MIN = 4
# These read as numbered steps and are longer for it.
LONG_SQL = {
    "claim_slot_and_create_booking": 240,
    "claim_service_and_create_booking": 180,
    "claim_again": 85,
    "search_times": 105,
    # One statement, so that all of it sees one moment.
    "service_openings": 225,
}
NAMELESS_MODULES = {"common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}
LOCK_FILES = {"uv.lock", "package-lock.json", "poetry.lock", "Pipfile.lock", "yarn.lock"}
# In pieces, so that this file does not offend itself.
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        (f"python{'hosted'}", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("crates", "io"),
        ("proxy", "golang", "org"),
        ("deb", "debian", "org"),
    )
]
MACHINE_PATH = re.compile(r"(?<![\w./:<>*-])/(?:home|root|work|Users)\b")
SLASH = "/"
THIRD_PARTY = ("app/static/",)

Rule = Callable[[PurePosixPath, str], Iterator[str]]


def long_files(path: PurePosixPath, text: str) -> Iterator[str]:
    """A Python file that nobody can hold in mind."""
    if path.suffix == ".py" and text.count("\n") > FILE_LINES_MAX:
        yield f"{text.count(chr(10))} lines"


def long_functions(path: PurePosixPath, text: str) -> Iterator[str]:
    """A function that does not fit on a screen."""
    if path.suffix != ".py":
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield f"{node.name} has {lines} lines"


def long_sql(path: PurePosixPath, text: str) -> Iterator[str]:
    """A SQL function that does not fit on a screen and has no leave."""
    lines = text.count("\n")
    if _is_sql_function(path) and lines > LONG_SQL.get(path.stem, SQL_LINES_MAX):
        yield f"{lines} lines"


def sql_named_after_its_function(path: PurePosixPath, text: str) -> Iterator[str]:
    """A file of app/sql that holds another function, or more than one."""
    if _is_sql_function(path):
        made = re.findall(r"^CREATE (?:OR REPLACE )?FUNCTION (\S+?)\s*\(", text, re.MULTILINE)
        if made != [path.stem]:
            yield f"makes {', '.join(made) or 'no function'}"


def nameless_modules(path: PurePosixPath, _text: str) -> Iterator[str]:
    """A module named after nothing."""
    for part in (*path.parts[:-1], path.stem):
        if path.suffix in {".py", ".sql"} and part in NAMELESS_MODULES:
            yield f"{part} says nothing"


def registries(_path: PurePosixPath, text: str) -> Iterator[str]:
    """The host of a package registry."""
    for host in REGISTRIES:
        if host in text.lower():
            yield f"names {host}"


def lock_files(path: PurePosixPath, _text: str) -> Iterator[str]:
    """A lock file, which names registries."""
    if path.name in LOCK_FILES:
        yield "is a lock file: pins go into requirements.txt"


def machine_paths(path: PurePosixPath, text: str) -> Iterator[str]:
    """A path of somebody's machine."""
    if not str(path).startswith(THIRD_PARTY):
        for number, line in enumerate(text.splitlines(), 1):
            if MACHINE_PATH.search(line):
                yield f"line {number}: {line.strip()}"


def environment_readers(path: PurePosixPath, text: str) -> Iterator[str]:
    """A module of app, other than config.py, that reads the environment."""
    if not _is_app(path) or path == PurePosixPath("app/config.py"):
        return
    names = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and node.attr in names and _is_name(node.value, "os"):
            yield f"line {node.lineno}: os.{node.attr}"
        if isinstance(node, ast.ImportFrom) and node.module == "os":
            for alias in node.names:
                if alias.name in names:
                    yield f"line {node.lineno}: os.{alias.name}"


def printers(path: PurePosixPath, text: str) -> Iterator[str]:
    """A print in app: commands speak by click.echo, the rest by the log."""
    if _is_app(path):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and _is_name(node.func, "print"):
                yield f"line {node.lineno}: print"


def short_test_names(path: PurePosixPath, text: str) -> Iterator[str]:
    """A test whose name is not a sentence."""
    if path.parts[0] == "tests" and path.name.startswith("test_") and path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            name = node.name if isinstance(node, ast.FunctionDef) else ""
            if name.startswith("test_") and len(name.split("_")) < SENTENCE_WORDS_MIN + 1:
                yield f"{name} is no sentence"


def strangers_at_the_top(path: PurePosixPath, _text: str) -> Iterator[str]:
    """A file at the top level that is not in the house's plan."""
    if path.parts[0] not in TOP_LEVEL:
        yield "does not belong at the top level"


OFFENDERS: list[tuple[Rule, str, str]] = [
    (long_files, "app/slots/queries.py", "x = 1\n" * (FILE_LINES_MAX + 1)),
    (long_functions, "app/db.py", "def f():\n" + "    x = 1\n" * FUNCTION_LINES_MAX),
    (long_functions, "tests/test_x.py", "async def f():\n" + "    x = 1\n" * FUNCTION_LINES_MAX),
    (long_sql, "app/sql/slots/publish_slots.sql", "-- step\n" * (SQL_LINES_MAX + 1)),
    (long_sql, "app/sql/bookings/claim_slot_and_create_booking.sql", "-- step\n" * 241),
    (
        sql_named_after_its_function,
        "app/sql/slots/publish_slots.sql",
        "CREATE OR REPLACE FUNCTION publish_slot(p_vendor_id uuid)\n",
    ),
    (
        sql_named_after_its_function,
        "app/sql/slots/one.sql",
        "CREATE OR REPLACE FUNCTION one()\n;\nCREATE FUNCTION two()\n",
    ),
    (sql_named_after_its_function, "app/sql/slots/nothing.sql", "-- later\n"),
    (nameless_modules, "app/utils.py", ""),
    (nameless_modules, "app/bookings/helpers.py", ""),
    (nameless_modules, "chaos/common/clients.py", ""),
    (registries, "requirements.txt", f"--index-url https://{REGISTRIES[0]}/simple\n"),
    (registries, "docs/a.md", f"https://files.{REGISTRIES[1].upper()}/x\n"),
    (lock_files, "uv.lock", ""),
    (machine_paths, "docs/a.md", f"cd {SLASH}home/ada/slotkeeper\n"),
    (machine_paths, "Makefile", f"x := {SLASH}root\n"),
    (machine_paths, "app/a.py", f'X = "{SLASH}work/main"\n'),
    (environment_readers, "app/db.py", "import os\nX = os.environ['DATABASE_URL']\n"),
    (environment_readers, "app/auth/keys.py", "import os\nX = os.getenv('X')\n"),
    (environment_readers, "app/db.py", "from os import environ\n"),
    (printers, "app/slots/queries.py", "def f():\n    print(1)\n"),
    (short_test_names, "tests/api/test_x.py", "def test_it_works():\n    pass\n"),
    (strangers_at_the_top, "setup.cfg", ""),
    (strangers_at_the_top, "notes/todo.md", ""),
]
INNOCENTS: list[tuple[Rule, str, str]] = [
    (long_files, "app/static/docs/x.js", "x\n" * 1000),
    (long_functions, "app/db.py", "def f():\n" + "    x = 1\n" * (FUNCTION_LINES_MAX - 1)),
    (
        sql_named_after_its_function,
        "app/sql/slots/publish_slots.sql",
        "-- Promise.\nCREATE OR REPLACE FUNCTION publish_slots(p_vendor_id uuid)\n",
    ),
    (sql_named_after_its_function, "app/sql/rights.sql", "GRANT ...\n"),
    (machine_paths, "docs/a.md", "GET /api/v1/work, docs/root/x, https://x.example/home/\n"),
    (environment_readers, "app/config.py", "import os\nX = os.environ\n"),
    (environment_readers, "bench/run.py", "import os\nX = os.environ\n"),
    (printers, "chaos/report.py", "print(1)\n"),
    (strangers_at_the_top, "docs/architecture.md", ""),
]
RULES = list(dict.fromkeys(rule for rule, _, _ in OFFENDERS))


def _is_app(path: PurePosixPath) -> bool:
    return path.parts[0] == "app" and path.suffix == ".py"


def _is_sql_function(path: PurePosixPath) -> bool:
    return path.parts[:2] == ("app", "sql") and len(path.parts) > 3 and path.suffix == ".sql"


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _tracked_files() -> list[PurePosixPath]:
    """What git tracks; in an unpacked archive, everything that is not made by running."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={CHECKOUT}", "ls-files", "-z"],  # noqa: S607 - any git does
        check=False,
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
    )
    names = [name for name in listed.stdout.split("\0") if name]
    if not names:
        made = re.compile(r"(^|/)(\.(?!ci/|gitignore)|__pycache__|build/)|\.egg-info/")
        files = (str(p.relative_to(CHECKOUT)) for p in CHECKOUT.rglob("*"))
        names = [name for name in files if not made.search(name)]
    return [PurePosixPath(name) for name in names if (CHECKOUT / name).is_file()]


def _read(path: PurePosixPath) -> str:
    return (CHECKOUT / path).read_text(encoding="utf-8", errors="replace")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_no_tracked_file_breaks_the_rule(rule):
    complaints = [
        f"{path}: {what}" for path in _tracked_files() for what in rule(path, _read(path))
    ]
    assert not complaints, f"{rule.__doc__}\n" + "\n".join(complaints)


@pytest.mark.parametrize("rule, path, text", OFFENDERS)
def test_the_rule_catches_a_planted_offender(rule, path, text):
    assert list(rule(PurePosixPath(path), text))


@pytest.mark.parametrize("rule, path, text", INNOCENTS)
def test_the_rule_lets_the_innocent_pass(rule, path, text):
    assert not list(rule(PurePosixPath(path), text))


def test_every_rule_has_an_offender_and_files_to_look_at():
    rules = {
        value
        for value in globals().values()
        if callable(value)
        and getattr(value, "__annotations__", {}).get("return") == "Iterator[str]"
    }
    assert rules == set(RULES)
    assert len(_tracked_files()) > 50


def test_requirements_are_plain_pins_and_nothing_else():
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in _read(PurePosixPath(name)).splitlines():
            pin = re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][A-Za-z0-9.]*(; [a-z_].*)?", line)
            assert pin or line.startswith("#") or line == "-r requirements.txt", f"{name}: {line}"


def test_the_installed_packages_are_exactly_the_pinned_ones():
    from importlib.metadata import distributions

    from packaging.requirements import Requirement

    def plain(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    wanted = [
        Requirement(line)
        for name in ("requirements.txt", "requirements-dev.txt")
        for line in _read(PurePosixPath(name)).splitlines()
        if re.match("[A-Za-z]", line)
    ]
    pinned = {
        plain(each.name): str(each.specifier).removeprefix("==")
        for each in wanted
        if each.marker is None or each.marker.evaluate()
    }
    installed = {plain(found.metadata["Name"]): found.version for found in distributions()}
    loose = {
        name: version
        for name, version in installed.items()
        if name not in {"pip", "slotkeeper"} and pinned.get(name) != version
    }
    assert not loose, "pin these, or remove them from .venv (make clean)"
    missing = set(pinned) - set(installed)
    assert not missing
