"""double_booking_attack: a crowd after the same few places, through every door at once.

`python -m chaos run` runs it, and so does `locust -f chaos/locustfile.py`. Whether the promises
held is the exit code: 0 only if all did, 1 if not, 2 if it could not be found out.
"""

from __future__ import annotations

import random
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gevent
import psycopg
from locust import HttpUser, User, between, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import LocalRunner

from chaos.attack import Attack
from chaos.doors import Door, HandDoor, HttpDoor, SqlDoor
from chaos.history import write
from chaos.report import repetition, report
from chaos.target import DEMO_FILE, Target, TargetError, prepare, read_demo

WORKLOAD = "double_booking_attack"
HELD, VIOLATED, UNKNOWN = 0, 1, 2
# Long enough for whatever is under way: the database gives up after ten seconds.
STOP_SECONDS = 30
# Of four who ask for places, three want the only one.
HOT_SHARE = 0.75
PATIENCE = between(0.001, 0.01)


@dataclass(slots=True)
class Run:
    """The one run of this process; what came of it is the exit code."""

    attack: Attack | None = None
    verdict: int = UNKNOWN
    said: str = "The attack never began."
    ending: bool = False
    born: Counter[str] = field(default_factory=Counter)


run = Run()


class Attacker(User):
    """Somebody with dice of their own, which the seed and their number decide."""

    abstract = True
    door: Door
    wait_time = PATIENCE

    def on_start(self) -> None:
        kind = type(self).__name__
        run.born[kind] += 1
        self.name = f"{kind} {run.born[kind]}"
        options: Any = self.environment.parsed_options
        self.dice = random.Random(f"{options.seed} {self.name}")
        if run.attack is not None:
            self.door = self.open_door(run.attack)

    def on_stop(self) -> None:
        if run.attack is not None:
            self.door.close()

    @task
    def go_on(self) -> None:
        """Do one more thing, or wait for the end when enough has been done."""
        if run.attack is None or run.attack.exhausted:
            _end(self.environment)
        else:
            self.act(run.attack)

    def act(self, attack: Attack) -> None:
        """Ask for the only place, or for some of the other slot's."""
        hot = self.dice.random() < HOT_SHARE
        slot_id = attack.stage.hot if hot else attack.stage.wide
        attack.book(self.name, self.door, slot_id, 1 if hot else self.dice.randint(1, 3))

    def open_door(self, attack: Attack) -> Door:
        """The way by which this user comes."""
        return SqlDoor(attack.target, attack.stage, self.environment.events.request)


class HttpBooker(Attacker, HttpUser):
    """Books through the API."""

    weight = 3

    def open_door(self, attack: Attack) -> Door:
        return HttpDoor(self.client, attack.target)


class SqlBooker(Attacker):
    """Books through claim_slot_and_create_booking itself."""

    weight = 3


class Canceller(Attacker, HttpUser):
    """Gives places back, every other one through the API; without this, all would be over soon."""

    weight = 2

    def open_door(self, attack: Attack) -> Door:
        if run.born[type(self).__name__] % 2:
            return HttpDoor(self.client, attack.target)
        return super().open_door(attack)

    def act(self, attack: Attack) -> None:
        if attack.standing:
            booked = self.dice.choice(attack.standing)
            # Now and then two cancel the same.
            if self.dice.random() < 0.9:
                attack.standing.remove(booked)
            attack.cancel(self.name, self.door, booked)


class Owner(Attacker):
    """The tables' owner at a prompt, who writes rows by hand; only if --owner-url is known."""

    fixed_count = 1

    def act(self, attack: Attack) -> None:
        slot_id = self.dice.choice([attack.stage.hot, attack.stage.wide])
        attack.book(self.name, self.door, slot_id, 1)

    def open_door(self, attack: Attack) -> Door:
        return HandDoor(attack.target, attack.stage, self.environment.events.request, self.dice)


def _add_options(parser: LocustArgumentParser) -> None:
    demo = f"what {DEMO_FILE} says"
    parser.add_argument("--seed", type=int, default=1, help="decides what each user asks for")
    parser.add_argument("--iterations", type=int, default=1000, help="operations, all users'")
    parser.add_argument("--vendor", default="", help=f"the vendor's slug; else {demo}")
    parser.add_argument("--demo-file", default=str(DEMO_FILE), help="written by slotkeeper demo")
    parser.add_argument("--history", default="", help="write every operation to this file")
    for name, what in (
        ("--api-key", "a key of the vendor"),
        ("--database-url", "PostgreSQL, as the application's role"),
        ("--owner-url", "PostgreSQL, as the tables' owner; none: nobody writes by hand"),
    ):
        variable = "CHAOS_" + name.strip("-").upper().replace("-", "_")
        parser.add_argument(
            name, default=None, env_var=variable, is_secret=True, help=f"{what}; else {demo}"
        )


def _aim(environment: Environment, **_: Any) -> None:
    options: Any = environment.parsed_options
    if not isinstance(environment.runner, LocalRunner):
        raise TypeError("One process must see all of the history: no --master, no --worker.")
    environment.stop_timeout = STOP_SECONDS
    environment.host = environment.host or read_demo(Path(options.demo_file)).get("url")
    target = _target(environment)
    if missing := target.missing():
        print(f"The attack cannot begin: {missing}", flush=True)
        sys.exit(UNKNOWN)
    if not target.owner_url:
        environment.user_classes.remove(Owner)


def _target(environment: Environment) -> Target:
    options: Any = environment.parsed_options
    demo = read_demo(Path(options.demo_file))
    given = {name: getattr(options, name) for name in ("api_key", "database_url", "owner_url")}
    known = {name: demo.get(name, "") if told is None else told for name, told in given.items()}
    url = (environment.host or "").rstrip("/")
    return Target(url, options.vendor or demo.get("vendor", ""), **known)


def _begin(environment: Environment, **_: Any) -> None:
    options: Any = environment.parsed_options
    run.attack, run.verdict, run.ending = None, UNKNOWN, False
    run.born.clear()
    target = _target(environment)
    try:
        stage = prepare(target, random.Random(options.seed))
    except TargetError as error:
        run.said = f"The attack cannot begin. {error}"
        _end(environment)
        return
    run.attack = Attack(target, stage, uuid.uuid4().hex[:8], options.iterations)


def _end(environment: Environment) -> None:
    """End the run from outside the user who noticed; the others finish what they are at."""
    if environment.runner is not None and not run.ending:
        run.ending = True
        gevent.spawn(environment.runner.stop if environment.web_ui else environment.runner.quit)


def _judge(environment: Environment, **_: Any) -> None:
    attack = run.attack
    options: Any = environment.parsed_options
    if attack is None:
        return
    if options.history:
        with Path(options.history).open("w", encoding="utf-8") as file:
            write(attack.history, file)
    try:
        findings = attack.judge()
    except psycopg.Error as error:
        run.said = f"Nobody can tell whether the promises held. {error}"
        return
    run.verdict = VIOLATED if findings else HELD
    users = sum(run.born.values())
    title = f"{WORKLOAD}: {users} users on {attack.target.url}, vendor {attack.target.vendor}"
    again = repetition(options.seed, options.iterations, users, options.run_time, _commit())
    run.said = f"{report(title, attack.history, findings)}\n\n{again}"
    if environment.web_ui:
        print(run.said, flush=True)


def _tell(environment: Environment, **_: Any) -> None:
    environment.process_exit_code = run.verdict


def _print(**_: Any) -> None:
    # After Locust's own tables, so that the verdict is the last word.
    print(run.said, flush=True)


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - any git does
        check=False,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent,
    )
    return done.stdout.strip()


HOOKS: list[tuple[Any, Callable[..., None]]] = [
    (events.init_command_line_parser, _add_options),
    (events.init, _aim),
    (events.test_start, _begin),
    (events.test_stop, _judge),
    (events.quitting, _tell),
    (events.quit, _print),
]
for hook, listener in HOOKS:
    hook.add_listener(listener)
