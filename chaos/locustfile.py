"""The attack as Locust runs it: `python -m chaos run`, or `locust -f chaos/locustfile.py`.

Whether the promises held is the exit code: 0 only if all did, 1 if not, 2 if it could not be found
out.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import signal
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gevent
from flask import Response, jsonify, request
from locust import User, events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import LocalRunner

from chaos import run as runs
from chaos.attackers import Scene
from chaos.conclusion import UNKNOWN, conclusion_of
from chaos.course import End, note_end
from chaos.faults.record import announce_no_more, no_more_faults
from chaos.judgement import UNTOLD, judge_run, untold
from chaos.screen import screen
from chaos.stage import StageBuilder
from chaos.target import (
    DEMO_FILE,
    Target,
    TargetError,
    read_demo,
    require_one_deployment,
    require_settings,
)
from chaos.workloads.all import WORKLOADS

# Long enough for whatever is under way: the database gives up after ten seconds.
STOP_SECONDS = 30


class Nobody(User):
    """Takes nobody's place: Locust wants a user class in this file; the workload brings its own."""


@dataclass(slots=True)
class Attack:
    """What is to be told when this process ends."""

    verdict: int = UNKNOWN
    said: str = "The attack never began."
    ending: bool = False
    # For how long it is to go on, at a prompt; None: until the attempts are used up.
    seconds: float | None = None
    # When it began, by the steady clock, whether its time is over, and whether somebody stopped it.
    began: float = 0.0
    over: bool = False
    stopped: bool = False


attack = Attack()


def _add_options(parser: LocustArgumentParser) -> None:
    # Now, since a worker would first look for its master, for minutes.
    if {"--master", "--worker"} & {*sys.argv}:
        _refuse_many()
    demo = f"what {DEMO_FILE} says"
    parser.add_argument("--workload", default="everything", choices=sorted(WORKLOADS))
    parser.add_argument("--seed", type=int, default=1, help="decides what each user asks for")
    parser.add_argument("--iterations", type=_positive, default=1000, help="operations, all users'")
    parser.add_argument("--vendor", default="", help=f"the vendor's slug; else {demo}")
    parser.add_argument("--demo-file", default=str(DEMO_FILE), help="written by slotkeeper demo")
    parser.add_argument("--folder", default="", help=f"where all is kept; else one in {runs.RUNS}")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --folder")
    parser.add_argument("--sabotaged", default="", help="the sabotage's name, for the record")
    parser.add_argument("--injected", default="", help="faults that python -m chaos run makes")
    parser.add_argument("--of-its-own", action="store_true", help="a --fresh demo, for the record")
    for name, what in (
        ("--api-key", "a key of the vendor"),
        ("--database-url", "PostgreSQL, as the application's role"),
        ("--owner-url", "PostgreSQL, as the tables' owner; none: nobody writes by hand"),
    ):
        variable = "CHAOS_" + name.strip("-").upper().replace("-", "_")
        parser.add_argument(
            name, default=None, env_var=variable, is_secret=True, help=f"{what}; else {demo}"
        )


def _refuse_many() -> None:
    print("One process must see all of the history: no --master, no --worker.", flush=True)
    sys.exit(UNKNOWN)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not positive")
    return number


def _refused() -> Response | None:
    """What the page, or a program in its place, must not ask for; Locust takes anything."""
    wrong = _wrong(request.form) if request.path.endswith("/swarm") else ""
    return jsonify(success=False, message=f"Nothing was started: {wrong}.") if wrong else None


def _wrong(asked: Mapping[str, str]) -> str:
    """What of this nobody can do; empty if nothing."""
    if asked.get("workload", "everything") not in WORKLOADS:
        return f"there is no workload {asked['workload']!r}"
    try:
        int(asked.get("seed", "1"))
        _positive(asked.get("iterations", "1"))
    except (ValueError, argparse.ArgumentTypeError) as error:
        return f"seed or iterations are no number that is possible ({error})"
    return ""


def _aim(environment: Environment, **_: Any) -> None:
    options: Any = environment.parsed_options
    # It warns of each rollback on a connection that broke; the history tells of those.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    if not isinstance(environment.runner, LocalRunner):
        _refuse_many()
    environment.stop_timeout = STOP_SECONDS
    gevent.signal_handler(signal.SIGINT, _interrupt, environment)
    if environment.web_ui and environment.web_ui.app:
        environment.web_ui.app.before_request(_refused)
    if options.headless:
        # Locust would count the time of the preparation, too, and from when its loop last woke up.
        attack.seconds, options.run_time = options.run_time, None
    environment.host = environment.host or read_demo(Path(options.demo_file)).get("url")
    target = _target(environment)
    if missing := target.missing():
        print(f"The attack cannot begin: {missing}", flush=True)
        sys.exit(UNKNOWN)
    if options.resume:
        options.workload = runs.read_run(Path(options.folder))[0]["workload"]
    _cast(environment, target)


def _cast(environment: Environment, target: Target) -> None:
    """Who comes: as the workload says, which the web page may have changed since the start."""
    options: Any = environment.parsed_options
    environment.user_classes = []
    for attacker, weight in WORKLOADS[options.workload].attackers.items():
        if target.owner_url or not attacker.by_hand:
            attacker.weight = weight or 1
            attacker.fixed_count = 0 if weight else 1
            environment.user_classes.append(attacker)


def _target(environment: Environment) -> Target:
    options: Any = environment.parsed_options
    demo = read_demo(Path(options.demo_file))
    given = {name: getattr(options, name) for name in ("api_key", "database_url", "owner_url")}
    known = {name: demo.get(name, "") if told is None else told for name, told in given.items()}
    url = (environment.host or "").rstrip("/")
    return Target(url, options.vendor or demo.get("vendor", ""), **known)


def _begin(environment: Environment, **_: Any) -> None:
    if parent := os.environ.get(runs.ENDS_WITH):
        gevent.spawn(_end_with, int(parent))
    Scene.run, attack.verdict, attack.ending = None, UNKNOWN, False
    attack.began, attack.over, attack.stopped = time.monotonic(), False, False
    Scene.born.clear()
    Scene.end = lambda: _end(environment)
    try:
        Scene.run = _prepared(environment)
    except (TargetError, ValueError, OSError) as error:
        attack.said = f"The attack cannot begin. {error}"
        _end(environment)
        return
    if attack.seconds:
        gevent.spawn(_end_in, attack.seconds, environment)


def _end_in(seconds: float, environment: Environment) -> None:
    """Let the attack go on for so long."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        gevent.sleep(left)
    attack.over = True
    _end(environment)


def _interrupt(environment: Environment) -> None:
    """Ctrl-C: nobody asks for more, and what was done is judged; once more: not even that."""
    if environment.web_ui:
        os.kill(os.getpid(), signal.SIGTERM)
    elif attack.ending or attack.stopped:
        folder = Scene.run and Scene.run.folder
        rest = f" To judge it: python -m chaos judge {folder}" if folder else ""
        print(f"Broken off.{rest}", flush=True)
        os._exit(UNKNOWN)
    else:
        attack.stopped = True
        print("Stopping, to judge it as far as it came. Ctrl-C once more: at once.", flush=True)
        _end(environment)


def _end_with(parent: int) -> None:
    """End at once when whoever holds proxies, demo and faults was killed: the run is broken off."""
    while os.getppid() == parent:
        gevent.sleep(0.2)
    os._exit(UNKNOWN)


def _prepared(environment: Environment) -> runs.Run:
    options: Any = environment.parsed_options
    target = _target(environment)
    if options.resume:
        _, stage = runs.read_run(Path(options.folder))
        require_one_deployment(target, stage.location_id, broken=True)
        run = runs.take_up(Path(options.folder), target)
        if not options.injected:
            announce_no_more(run.folder)
        return run
    workload = WORKLOADS[options.workload]
    require_settings(target)
    _cast(environment, target)
    builder = StageBuilder(target, random.Random(options.seed))
    require_one_deployment(target, builder.stage.location_id)
    workload.prepare(builder)
    runner = environment.runner
    users = options.num_users or (runner and runner.target_user_count) or 1
    kinds = len(environment.user_classes)
    if users < kinds:
        print(
            f"{kinds} kinds of attackers belong to {workload.name}: with {users} users some do not"
            " come, and what only they do is not asked for.",
            flush=True,
        )
    settings = {
        "run_id": uuid.uuid4().hex[:8],
        "seed": options.seed,
        "workload": workload.name,
        "users": users,
        "kinds": kinds,
        "duration": attack.seconds or options.run_time,
        "sabotage": options.sabotaged,
        "faults": options.injected,
        "fresh": options.of_its_own,
        "postgresql": target.postgresql(),
    }
    named = Path(options.folder) if options.folder else None
    folder = named or runs.new_folder(workload.name, options.seed)
    return runs.begin(folder, target, builder.stage, settings, options.iterations)


def _end(environment: Environment) -> None:
    """End the run from outside the user who noticed; the others finish what they are at."""
    if environment.runner is not None and not attack.ending:
        attack.ending = True
        gevent.spawn(environment.runner.stop if environment.web_ui else environment.runner.quit)


def _what_ended(environment: Environment, run: runs.Run) -> End:
    """Why nobody asks any more."""
    options: Any = environment.parsed_options
    if run.exhausted:
        return "iterations"
    passed = time.monotonic() - attack.began
    # With its page, Locust itself ends what somebody started there for some time.
    over = attack.over or (options.run_time and passed > options.run_time - 1)
    return "duration" if over and not attack.stopped else "stopped"


def _judge(environment: Environment, **_: Any) -> None:
    run = Scene.run
    if run is None:
        return
    again = f"python -m chaos judge {run.folder}"
    attack.said = f"Nobody can tell whether the promises held: the judgement broke off. {again}"
    no_more_faults(run.folder)
    extra = WORKLOADS[run.header["workload"]].checkers
    try:
        run.close()
        note_end(run.folder, _what_ended(environment, run))
        verdicts = judge_run(run.folder, run.target.database_url, extra)
        end = conclusion_of(run.folder, verdicts)
        attack.verdict, attack.said = end.code, screen(run.folder, verdicts, end)
    except UNTOLD as error:
        attack.said = f"After {run.history.invoked:,} attempts: {untold(run.folder, error)}"
        return
    if end.outcome == "incomplete" and not run.header.get("fresh"):
        more = f"python -m chaos run --resume --folder {run.folder}"
        attack.said += f"\nTo go on with it, on the same target: {more}"
    if environment.web_ui:
        print(attack.said, flush=True)


def _tell(environment: Environment, **_: Any) -> None:
    # If the attack still goes on, this is not of its own accord.
    attack.stopped = True
    environment.process_exit_code = attack.verdict


def _print(**_: Any) -> None:
    # After Locust's own tables, so that the verdict is the last word.
    print(attack.said, flush=True)


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
