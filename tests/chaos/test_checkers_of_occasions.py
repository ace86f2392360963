"""Who is never answered, and what never happened: what these checkers refuse, and accept."""

from __future__ import annotations

import ast
from pathlib import Path

from chaos.checkers.answers import FAILURES
from chaos.checkers.contended import all_happened
from tests.chaos.story import Story

HERE = Path(__file__).parent
CHECKERS = HERE.parents[1] / "chaos/checkers"


def test_who_is_never_answered_though_everybody_else_is_is_refused():
    story = Story()
    story.tells("book", (1, None), slots=["slot"], quantity=1, token="silence")
    for second in range(70):
        story.tells("sweep", (second, second + 0.9), code="DONE")
    assert story.findings(FAILURES) == {"never_answered": 1}
    # Between these nobody was there: the users had been killed.
    del story.operations[30]
    assert story.findings(FAILURES) == {}


def test_the_last_questions_of_a_run_may_remain_open():
    story = Story()
    for second in range(70):
        story.tells("sweep", (second, second + 0.9), code="DONE")
    story.tells("book", (20, None), slots=["slot"], quantity=1, token="late")
    assert story.findings(FAILURES) == {}


def test_a_long_run_must_have_seen_what_a_short_one_need_not():
    checker = all_happened("all", "All.", {"nobody booked": ("kind = 'book'", 3)})
    story = Story()
    for second in (1, 2):
        story.tells("sweep", (second, second + 0.5), code="DONE")
    assert story.findings(checker) == {}
    story.tells("sweep", (3, 4), code="DONE")
    assert story.findings(checker) == {"never_happened": 1}
    story.books(5, 6)
    assert story.findings(checker) == {}


def test_each_kind_of_finding_is_found_in_a_story():
    stories = "\n".join(path.read_text() for path in HERE.glob("test_checkers*.py"))
    kinds = {kind for path in CHECKERS.glob("*.py") for kind in kinds_in(path)}
    assert len(kinds) > 90
    assert {kind for kind in kinds if f'"{kind}"' not in stories} == set()


def kinds_in(path):
    """Those of which findings are made, and those that are returned to whoever makes them."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(func=ast.Name("Finding"), args=[kind, *_]) if not isinstance(
                kind, ast.Call
            ):
                yield from words_in(kind)
            case ast.Return(value=ast.expr() as kind) if not isinstance(kind, ast.Call):
                yield from (word for word in words_in(kind) if "_" in word)


def words_in(expression):
    constants = (node.value for node in ast.walk(expression) if isinstance(node, ast.Constant))
    return {word for word in constants if isinstance(word, str) and word.isidentifier()}
