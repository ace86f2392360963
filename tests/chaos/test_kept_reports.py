"""Reports that are kept with the documentation: whole, small, and of no particular machine."""

from __future__ import annotations

import json

import pytest

from chaos.report import HTML, JSON, KEPT_BYTES_MAX, PATHS, keep_report
from tests.chaos.attacks import CHECKOUT
from tests.chaos.test_runs import chaos

KEPT = CHECKOUT / "docs/chaos"
SLASH = "/"


def report(folder, html="<p>Every promise held.</p>", found=None):
    folder.mkdir()
    (folder / HTML).write_text(html)
    (folder / JSON).write_text(json.dumps(found or {"held": True}))
    return folder


def test_a_report_is_kept_under_its_name(tmp_path):
    run = report(tmp_path / "run")
    done = chaos("keep", str(run), str(tmp_path / "docs" / "million"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "docs/million.html").read_text() == (run / HTML).read_text()
    assert (tmp_path / "docs/million.json").read_text() == (run / JSON).read_text()


@pytest.mark.parametrize(
    "html, told",
    [
        (f"<p>in {SLASH}home/ada/slotkeeper/server.log</p>", f"{SLASH}home/ada"),
        (f'<a href="{SLASH}tmp/x">', f"{SLASH}tmp/x"),
        ("x" * (KEPT_BYTES_MAX + 1), "larger than"),
    ],
)
def test_a_report_that_nobody_else_can_use_is_not_kept(tmp_path, html, told):
    with pytest.raises(ValueError, match=told):
        keep_report(report(tmp_path / "run", html), tmp_path / "kept")
    assert not (tmp_path / "kept.html").exists()


def test_addresses_and_closing_tags_are_no_paths_of_a_machine():
    assert PATHS.search("http://127.0.0.1:8080/api/v1/tmp </var> a/b") is None


def test_what_is_kept_is_small_held_and_the_same_in_both_forms():
    pages = sorted(KEPT.glob("*.html"))
    assert pages, "no report is kept"
    for page in pages:
        text = page.read_text()
        found = json.loads(page.with_suffix(".json").read_text())
        assert len(text.encode()) <= KEPT_BYTES_MAX
        assert PATHS.search(text) is None
        assert found["held"]
        assert found["violations"] == 0
        assert f"{found['attempts']:,}" in text
        assert f"]({page.name})" in (KEPT / "README.md").read_text()
