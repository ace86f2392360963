"""slotkeeper import and export as processes: exit codes, words, files, and the documentation."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from app.transfer.kinds import KINDS
from tests.trade import records

PAGE = Path(__file__).parents[2] / "docs" / "operations" / "import-export.md"
# Of some 2 MB: more than a record may have.
LONG_JSON = b'[{"name": "E"},\n{\n"name": "F"\n, "address": "' + b"y" * 2_000_000 + b'"}]'
PLACES = "name,time_zone\nMitte,Europe/Berlin\n"


def _examples() -> dict[str, str]:
    """The files of the page's example, by kind."""
    found = re.findall(r"`(\w+)\.csv`[^\n]*:\n\n```csv\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return dict(found)


def test_the_documented_example_is_imported_exported_and_imported_elsewhere(new_trade, slotkeeper):
    one, other = new_trade(), new_trade()
    examples = _examples()
    assert list(examples) == list(KINDS)
    one.write(**examples)
    dry = slotkeeper("import", "--vendor", one.slug, one.folder, "--dry-run")
    assert (dry.returncode, dry.stderr) == (0, "")
    assert "bookings: 3 made" in dry.stdout
    assert "nothing was written" in dry.stdout
    assert one.count("locations") == 0
    done = slotkeeper("import", "--vendor", one.slug, one.folder)
    assert (done.returncode, done.stderr) == (0, "")
    out = one.folder / "out"
    assert slotkeeper("export", "--vendor", one.slug, "--to", out).returncode == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()} == {0o600}
    moved = slotkeeper("import", "--vendor", other.slug, out)
    assert (moved.returncode, moved.stderr) == (0, "")
    again = other.export("csv", "again")
    for path in out.iterdir():
        assert path.read_text() == (again / path.name).read_text()


def test_the_page_names_every_column():
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE.read_text(), re.MULTILINE))
    for kind in KINDS.values():
        told = rows[kind.name].replace(
            "monday … sunday", "monday tuesday wednesday thursday friday saturday sunday"
        )
        names = set(re.findall(r"[a-z_]+", told))
        assert set(kind.columns) <= names, kind.name
        assert set(re.findall(r"\*\*(\w+)\*\*", told)) == set(kind.needed)


def test_exit_codes_tell_refused_from_could_not_run(trade, slotkeeper):
    trade.write(locations="name,time_zone\nMitte,Mars/Olympus\n")
    refused = slotkeeper("import", "--vendor", trade.slug, trade.folder)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "Nothing was imported.\nlocations.csv line 2: time_zone: Not a time zone" in (
        refused.stderr
    )
    assert slotkeeper("import", "--vendor", "nobody", trade.folder).returncode == 2
    nowhere = "postgresql://slotkeeper_app:x@127.0.0.1:1/slotkeeper"
    gone = slotkeeper("import", "--vendor", trade.slug, trade.folder, url=nowhere)
    assert gone.returncode == 2
    assert "changed nothing" in gone.stderr
    assert "Traceback" not in gone.stderr
    odd = trade.folder / "what.csv"
    odd.write_text(PLACES)
    assert "--kind" in slotkeeper("import", "--vendor", trade.slug, odd).stderr
    taken = slotkeeper("import", "--vendor", trade.slug, odd, "--kind", "locations")
    assert taken.returncode == 0, taken.stderr
    (trade.folder / "locations.csv").unlink()
    there = slotkeeper(
        "export", "--vendor", trade.slug, "--to", trade.folder, "--only", "locations"
    )
    assert there.returncode == 0
    there = slotkeeper(
        "export", "--vendor", trade.slug, "--to", trade.folder, "--only", "locations"
    )
    assert there.returncode == 2
    assert "--overwrite" in there.stderr
    times = ("--from", "2027-03-01", "--until", "2027-03-01")
    never = slotkeeper("export", "--vendor", trade.slug, "--to", trade.folder / "never", *times)
    assert never.returncode == 2
    assert "--until is not after --from" in never.stderr
    assert not (trade.folder / "never").exists()


def test_who_may_not_take_longer_is_told_how_to_have_more_time(trade, slotkeeper):
    trade.write(settings="hold_minutes\n20\n")
    with trade.owner.transaction():
        trade.owner.execute("SELECT FROM vendors WHERE id = %s FOR UPDATE", [trade.vendor_id])
        late = slotkeeper(
            "import", "--vendor", trade.slug, trade.folder, SLOTKEEPER_STATEMENT_SECONDS="1"
        )
    assert late.returncode == 2
    assert "changed nothing" in late.stderr
    assert "SLOTKEEPER_STATEMENT_SECONDS=60" in late.stderr


def test_an_import_that_is_cut_off_says_whether_anything_can_have_been_written(trade, slotkeeper):
    trade.owner.execute(
        "CREATE FUNCTION cut_off() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(60); RETURN NULL; END $$"
    )
    try:
        for name, when in ("early", "IMMEDIATE"), ("late", "DEFERRED"):
            trade.owner.execute(
                f"CREATE CONSTRAINT TRIGGER cut_off_{name} AFTER INSERT ON locations DEFERRABLE"
                f" INITIALLY {when} FOR EACH ROW WHEN (NEW.name = '{name}')"
                " EXECUTE FUNCTION cut_off()"
            )
        for name, code, words in (
            (
                "early",
                2,
                "changed nothing. SERVICE_UNAVAILABLE: The connection to the database was",
            ),
            ("late", 3, "was cut off. It was being committed, and nobody knows"),
        ):
            trade.write(locations=f"name\n{name}\n")
            done = slotkeeper("import", "--vendor", trade.slug, trade.folder)
            assert (done.returncode, words in done.stderr) == (code, True), done.stderr
        dry = slotkeeper("import", "--vendor", trade.slug, trade.folder, "--dry-run")
        assert dry.returncode == 0, dry.stderr
    finally:
        trade.owner.execute("DROP FUNCTION cut_off CASCADE")
    assert "Traceback" not in done.stderr
    assert "3 cut off" in slotkeeper("import", "--help").stdout


@pytest.mark.parametrize(
    "content",
    [
        b'\xef\xbb\xbfname;address\r\nCaf\xc3\xa9;"a; b\r\nc"\r\n\r\n',
        b'sep=;\r\nname;address\r\nCaf\xc3\xa9;"a; b\r\nc"\r\n;\r\n',
        b'name\taddress\nCaf\xc3\xa9\t"a; b\r\nc"\t\t\n',
        'name,address\r\nCafé,"a; b\r\nc"\r\n'.encode("utf-16"),
        b'\xef\xbb\xbf [{"name": "Caf\\u00e9", "address": "a; b\\r\\nc"}]\n',
        b'{"locations": [{"name": "Caf\xc3\xa9", "address": "a; b\\r\\nc"}]}',
    ],
)
def test_files_come_as_spreadsheets_and_programs_write_them(trade, content):
    path = trade.folder / "locations.csv"
    path.write_bytes(content)
    assert trade.take_files([path])["locations"] == {"made": 1}
    row = records(trade.export("json", "out", "locations") / "locations.json")[0]
    assert (row["name"], row["address"]) == ("Café", "a; b\r\nc")


@pytest.mark.parametrize(
    "content, told",
    [
        (b"name\nCaf\xe9\n", "line 2: not UTF-8 (byte 0xe9)"),
        (b"name\nX\0Y\n", "line 2: holds a NUL character"),
        (b"name,name\nX,Y\n", "line 1: the column name stands twice"),
        (b"nam,address\nX,Y\n", "line 1: locations have no column 'nam': did you mean name?"),
        (b"address\nX\n", "line 1: the column name is missing"),
        (b"some,thing\nX,Y\n", "line 1: neither JSON, which begins with [ or {, nor the header"),
        (b'name,address\nX,"never\nclosed\n', "line 2: not CSV: a quotation mark that begins"),
        (b"name\nX,Y\n", "line 2: 2 cells, more than the 1 columns"),
        (b"", "The file is empty."),
        (b'[{"name": "X"},\n{"name": }]', "line 2: not JSON"),
        (b'[{"name": "X"},\n{"name": "Y", "name": "Z"}]', "line 2: not what JSON should hold"),
        (b'[{"name": "X"}', "ends before its array of locations does"),
        (b'[{"name": "X"}]\n[]', "line 2: something comes after"),
        (b'["X"]', "line 1: a JSON object for each"),
        (b'[{"name": "\\ud800"}]', "name: Holds a character that is no text"),
        (b'[{"name": "a\\u0000b"}]', "name: Holds a character that is no text"),
        (b"[" * 100_000, "too deep"),
        (b'[{"name": ' + b"9" * 200 + b"}]", "too many digits"),
        (b"name\n" + b"x" * 2_000_000, "line 2: longer than"),
        ("name\nX\n".encode("utf-16-le"), "without a byte order mark, say --encoding utf-16"),
        (b"\xff\xfen\0a\0m\0e\0\n\0X", "line 2: not UTF-16-LE"),
        (b"name\rX\rY\r", "line 1: not CSV: its lines end with a carriage return alone"),
        (b'[{"name": "' + b"x" * 1_100_000, "line 1: what begins here is not closed within"),
        # Not what begins there, but what is wrong in it, and where.
        pytest.param(
            LONG_JSON.replace(b'"F"', b'"F" "G"'), "line 3: not JSON: Expecting ','", id="comma"
        ),
        pytest.param(
            LONG_JSON.replace(b'"F"', b'"F'), "line 3: not JSON: Invalid control", id="quote"
        ),
        (b'[{"name": 1e999}]', "name: Holds a character that is no text (NUL or a surrogate), a"),
        (b'[{"name": 5}]', "name: Must be a text. Found: '5'."),
        (b'[{"name": ["X"], "archived": "perhaps"}]', "archived: Must be yes or no."),
    ],
)
def test_what_is_no_proper_file_is_refused_in_words(trade, content, told):
    path = trade.folder / "locations.csv"
    path.write_bytes(content)
    with pytest.raises(Exception, match=re.escape(told)):
        trade.take_files([path])
    assert trade.count("locations") == 0


def test_formulas_leave_as_text_and_come_back_as_they_were(new_trade):
    one, other = new_trade(), new_trade()
    names = ["=1+1", "+1", "-1", "@x", "'=1", "''-x", "'x", "O'Neil"]
    one.take(
        locations="name\n"
        + "".join(f"'{n}\n" if n[0] in "=+-@'" and n != "'x" else f"{n}\n" for n in names)
    )
    out = one.export("csv", "out", "locations")
    written = [row["name"] for row in records(out / "locations.csv")]
    assert not any(name[0] in "=+-@" for name in written)
    other.take_files([out / "locations.csv"])
    for each in (one, other):
        found = records(each.export("json", "back", "locations") / "locations.json")
        assert [row["name"] for row in found] == names
