"""From when to when each booking surely stood, or may have stood, by the clients' clock alone.

A booking surely stands from the moment when somebody was told so until somebody first asks for what
may end it. It may stand from the moment when it was first asked for until somebody is told that it
is over. A hold ends by itself: surely not before it was asked for plus its time, and surely by when
it was told plus its time. What nobody heard of was done within two minutes of the question, or
never; and what the rows at the end say to be over was so when the last had been done that can have
ended it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from chaos.checkers.registers import ANSWERED_WITHIN_SECONDS
from chaos.evidence import BATCH, Evidence, Span

CREATE = """
-- starts, ends: the part of the slot.
CREATE TABLE sure (
    slot_id TEXT, began REAL, ended REAL, quantity INTEGER, booking_id TEXT,
    starts INTEGER, ends INTEGER);
-- longer: as if holds never lapsed.
CREATE TABLE may (
    slot_id TEXT, began REAL, ended REAL, longer REAL, quantity INTEGER, booking_id TEXT,
    starts INTEGER, ends INTEGER);
"""
INDEX = """
CREATE INDEX sure_by_slot ON sure (slot_id);
CREATE INDEX may_by_slot ON may (slot_id);
"""
ACTS = """
    SELECT COALESCE(o.booking_id, b.id) AS booking, b.id IS NOT NULL OR t.id IS NOT NULL,
           o.kind, o.began, o.ended, o.result, o.quantity, o.hold, o.token, t.token, o.asked,
           COALESCE(t.quantity, b.quantity), COALESCE(t.slot_ids, b.slot_ids), o.starts, o.ends,
           o.n, COALESCE(t.status, b.status)
    FROM operations o
    LEFT JOIN bookings b ON o.booking_id IS NULL AND b.token = o.token
    LEFT JOIN bookings t ON t.id = o.booking_id
    WHERE o.result <> 'fail'
      AND o.kind IN ('book', 'block', 'cancel', 'unblock', 'confirm', 'complete', 'no_show')
      AND (o.booking_id IS NOT NULL OR b.id IS NOT NULL)
    ORDER BY booking, o.began
"""
CREATIONS = {"book", "block"}
RELEASES = {"cancel", "unblock"}
# The server's clock and ours are two, which may differ by so much, and in speed by a thousandth.
SLACK_SECONDS, DRIFT = 0.01, 0.001


@dataclass(frozen=True, slots=True)
class Act:
    """One operation that made, moved or ended a booking, or may have.

    `ended`: by when it was done, if ever. `number`: the operation's.
    """

    number: int
    kind: str
    began: float
    ended: float
    surely: bool
    quantity: int
    hold: float | None
    slots: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that happened to one booking. `acts` are in order of their beginning.

    `begun`, `told`: when it was first asked for, and first acknowledged (inf: never).
    `made`: by when it was made, if ever. `hold`: seconds; None: it is no hold; inf: nobody knows
    for how long. `span`: the part of its slots that it is about. `last`: its status in the end.
    """

    booking_id: str
    present: bool
    begun: float
    told: float
    made: float
    hold: float | None
    quantity: int
    slots: tuple[str, ...]
    span: Span
    acts: list[Act]
    last: str | None
    # By how many seconds somebody has set the server's clock while the run lasted.
    clock_moved: float = 0.0

    @property
    def known_hold(self) -> float:
        """For how many seconds it surely is held; 0 if nobody knows."""
        return 0.0 if self.hold is None or self.hold == math.inf else self.hold

    @property
    def slack(self) -> float:
        """By how much its hold may seem shorter or longer by the clients' clock."""
        return SLACK_SECONDS + DRIFT * self.known_hold + self.clock_moved

    @property
    def lapsed(self) -> float:
        """By when its hold is over, if it is one and nobody has confirmed it."""
        return math.inf if self.hold is None else self.made + self.hold + self.slack


def stories(evidence: Evidence) -> Iterator[Story]:
    """The story of each booking that anybody asked for and that was made, or may have been."""
    moved: float = evidence.setting("clock_moved") or 0.0
    for booking_id, rows in groupby(evidence.query(ACTS), key=lambda row: row[0]):
        story = _story(booking_id, list(rows), moved)
        if story is not None:
            yield story


def _story(booking_id: str, rows: list[tuple[Any, ...]], moved: float) -> Story | None:
    acts, creations = [], []
    own = next((row[9] for row in rows if row[9] is not None), None)
    for row in rows:
        _, _, kind, began, ended, result, quantity, hold, token, _, asked, final, held, *rest = row
        surely = result == "ok"
        wanted = json.loads(asked)
        # A block names a time, and who asks for a service a start; of which slots that is, only the
        # booking itself knows.
        unnamed = kind == "block" or "slots" not in wanted
        slots = tuple(json.loads(held) if unnamed and held else wanted.get("slots", ()))
        end = ended if surely else began + ANSWERED_WITHIN_SECONDS
        size = quantity or final or 0
        act = Act(rest[2], kind, began, end, surely, size, hold, slots, (rest[0], rest[1]))
        if kind not in CREATIONS:
            acts.append(act)
        elif own is None or token == own:
            creations.append(act)
    if not creations:
        return None
    first = creations[0]
    hold = first.hold
    if hold is not None and hold < 0:
        hold = math.inf
    known = [act.hold for act in creations if act.hold is not None and act.hold > 0]
    told = min((act.ended for act in creations if act.surely), default=math.inf)
    return Story(
        booking_id,
        any(row[1] for row in rows),
        first.began,
        told,
        told if told < math.inf else max(act.ended for act in creations),
        hold if hold is None or not known else known[0],
        max(act.quantity for act in creations),
        first.slots,
        first.span,
        acts,
        rows[0][16],
        moved,
    )


def surely(story: Story) -> Iterator[tuple[float, float]]:
    """When the booking surely held its places; such stretches may overlap."""
    releases = [act for act in story.acts if act.kind in RELEASES]
    if story.told < math.inf:
        end = min((act.began for act in releases), default=math.inf)
        if story.hold is not None:
            end = min(end, story.begun + story.known_hold - story.slack)
        if end > story.told:
            yield story.told, end
    for act in story.acts:
        if act.kind not in RELEASES and act.surely:
            later = (other.began for other in releases if other.ended > act.began)
            end = min(later, default=math.inf)
            if end > act.ended:
                yield act.ended, end


def possibly(story: Story, *, lapsing: bool = True) -> Iterator[tuple[float, float]]:
    """When it may have held them. `lapsing`: whether holds end by themselves."""
    releases = [act for act in story.acts if act.kind in RELEASES and act.surely]
    end = min((act.ended for act in releases), default=math.inf)
    if lapsing:
        end = min(end, story.lapsed)
    over = _over(story, lapsing=lapsing)
    yield story.begun, min(end, over)
    for act in story.acts:
        if act.kind not in RELEASES:
            later = (other.ended for other in releases if other.began >= act.ended)
            yield act.began, min((*later, over))


def _over(story: Story, *, lapsing: bool) -> float:
    """By when it held nothing any more, as the rows at the end show; inf: they do not."""
    if story.last == "cancelled":
        return max((act.ended for act in story.acts if act.kind in RELEASES), default=math.inf)
    # What is held in the end, or has lapsed, was never anything else.
    return story.lapsed if lapsing and story.last in {"held", "expired"} else math.inf


def merged(stretches: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The same moments in stretches that do not touch, in order."""
    done: list[tuple[float, float]] = []
    for begin, end in sorted(stretches):
        if done and begin <= done[-1][1]:
            done[-1] = (done[-1][0], max(done[-1][1], end))
        elif end > begin:
            done.append((begin, end))
    return done


def prepare(evidence: Evidence) -> None:
    """Write down all stretches of all bookings by slot, once."""
    known = evidence.one("SELECT count(*) FROM sqlite_master WHERE name = 'sure'")
    if known:
        return
    evidence.connection.executescript(CREATE)
    sure: list[tuple[Any, ...]] = []
    may: list[tuple[Any, ...]] = []
    for story in stories(evidence):
        about = (story.quantity, story.booking_id, *story.span)
        for begin, end in merged(list(surely(story))):
            sure += [(slot, begin, end, *about) for slot in story.slots]
        longer = merged(list(possibly(story, lapsing=False)))
        for begin, end in merged(list(possibly(story))):
            until = max((e for b, e in longer if b <= end), default=end)
            may += [(slot, begin, end, until, *about) for slot in story.slots]
        if len(sure) + len(may) > BATCH:
            _flush(evidence, sure, may)
    _flush(evidence, sure, may)
    evidence.connection.executescript(INDEX)


def _flush(evidence: Evidence, sure: list[tuple[Any, ...]], may: list[tuple[Any, ...]]) -> None:
    evidence.insert("sure", 7, sure)
    evidence.insert("may", 8, may)
    sure.clear()
    may.clear()
