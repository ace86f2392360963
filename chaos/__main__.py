"""`python -m chaos run`: an attack on a running Slotkeeper, whose exit code is the verdict."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from chaos.beginning import (
    ADDRESSES,
    goes_on,
    look_into,
    refuse_addresses,
    refuse_sabotage,
)
from chaos.conclusion import UNKNOWN, conclusion_of
from chaos.faults import Fault, FaultError, Ground
from chaos.faults.all import FAULTS, OURS, chosen
from chaos.faults.disk import mountable
from chaos.faults.ground import fresh_ground, ground_for
from chaos.faults.injector import Injector
from chaos.instance import Instance, fresh_instance, keep_server_log, taken_up_instance
from chaos.judgement import UNTOLD, judge_again, judge_run, untold
from chaos.leftovers import note_process
from chaos.report import keep_report
from chaos.run import ENDS_WITH, RUN, faults_of, new_folder, read_run
from chaos.sabotage import apply
from chaos.sabotage.all import SABOTAGES
from chaos.screen import screen
from chaos.target import DEMO_FILE, TargetError, read_demo

LOCUSTFILE = Path(__file__).parent / "locustfile.py"
WORKLOADS = sorted(
    path.stem
    for path in (Path(__file__).parent / "workloads").glob("*.py")
    if path.stem not in {"__init__", "all"}
)
FLAGS = {
    "workload": "--workload",
    "seed": "--seed",
    "iterations": "--iterations",
    "users": "--users",
    "duration": "--run-time",
    "target_url": "--host",
    "vendor": "--vendor",
    "folder": "--folder",
    "sabotage": "--sabotaged",
    "faults": "--injected",
}
Options = dict[str, Any]
# After so many the machine is to blame, and somebody should look.
TAKEN_UP_MAX = 3


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Attack a running Slotkeeper from outside, and check what it promised."""


@main.command()
@click.option("--workload", type=click.Choice(WORKLOADS), default="everything", show_default=True)
@click.option("--seed", default=1, show_default=True, help="Decides what each user asks for.")
@click.option("--iterations", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--users", type=click.IntRange(1), default=32, show_default=True)
@click.option(
    "--duration", type=click.IntRange(1), help="Stop after so many seconds at the latest."
)
@click.option("--target-url", help="Where the server answers.")
@click.option("--vendor", help="The vendor's slug.")
@click.option("--api-key", help="A key of the vendor.")
@click.option("--database-url", help="PostgreSQL, as the application's role.")
@click.option("--owner-url", help="PostgreSQL, as the owner; '' if nobody shall write by hand.")
@click.option("--demo-file", type=Path, default=DEMO_FILE, show_default=True)
@click.option("--folder", type=Path, help="Where history, evidence and verdict are kept.")
@click.option("--resume", is_flag=True, help="Go on with the run in --folder that was broken off.")
@click.option("--sabotage", metavar="NAME", help="Break this guard of the fresh demo first.")
@click.option("--fresh", is_flag=True, help="Attack a demo of its own, made for this and removed.")
@click.option(
    "--faults",
    default="none",
    show_default=True,
    metavar="NAME,NAME",
    help="What breaks meanwhile: names, all or none. python -m chaos faults lists them.",
)
@click.option("--detached", is_flag=True, help="Go on without this terminal.")
def run(
    *,
    fresh: bool,
    resume: bool,
    sabotage: str | None,
    faults: str,
    detached: bool,
    demo_file: Path,
    **options: Any,
) -> None:
    """Run a workload. Exit code 0: every promise held; 1: one was broken; 2: nobody can tell.

    What is not given is taken from the file that `slotkeeper demo` writes.
    """
    refuse_sabotage(sabotage, fresh=fresh)
    if resume and (fresh or options["folder"] is None):
        raise click.UsageError("--resume takes up the run in --folder, on what it attacked before.")
    try:
        look_into(options["folder"], resume=resume)
        if resume:
            fresh, faults = _recall(options)
        if fresh:
            refuse_addresses(options, demo_file)
        wanted = _possible(chosen(faults, fresh=fresh), everything=faults == "all")
    except (FaultError, OSError) as error:
        raise click.UsageError(str(error)) from error
    options["folder"] = options["folder"] or new_folder(options["workload"], options["seed"])
    if detached:
        _go_on_alone(options["folder"])
        return
    _end_politely()
    with _told_when_interrupted(options["folder"], fresh=fresh), contextlib.ExitStack() as stack:
        try:
            if fresh:
                demo_file, options["instance"] = _instance(stack, wanted, options, resume=resume)
                _aim_at_nothing_else(options, demo_file)
            if sabotage is not None:
                options["sabotage"] = sabotage
                apply(SABOTAGES[sabotage], read_demo(demo_file)["owner_url"])
            if wanted:
                _strike_meanwhile(stack, wanted, demo_file, options)
        except (FaultError, TargetError) as error:
            click.echo(f"The attack cannot begin. {error}")
            sys.exit(UNKNOWN)
        code = _attack(demo_file, options, fresh=fresh, resume=resume)
        _keep_what_explains(code, options)
    sys.exit(code)


@main.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.option("--database-url", envvar="CHAOS_DATABASE_URL", help="As the application's role.")
@click.option("--demo-file", type=Path, default=DEMO_FILE, show_default=True)
@click.option("--again", is_flag=True, help="By the evidence in the folder, without a database.")
@click.option(
    "--as-far-as-it-came",
    is_flag=True,
    help="Of a run that ended early, exit code 0 if what it did broke no promise.",
)
def judge(
    folder: Path,
    database_url: str | None,
    demo_file: Path,
    *,
    again: bool,
    as_far_as_it_came: bool,
) -> None:
    """Judge the run of a folder, also one that was broken off. Exit code as of run."""
    if not (folder / RUN).exists():
        click.echo(
            f"Nobody can tell: no attack has begun in {folder}. If it was broken off before,"
            f" python -m chaos run --resume --folder {folder} ends and removes what it left."
        )
        sys.exit(UNKNOWN)
    if not again and goes_on(folder):
        click.echo(
            f"Nobody can tell yet: the run in {folder} is still going on. It judges itself at its"
            " end, and as far as it came when somebody presses Ctrl-C."
        )
        sys.exit(UNKNOWN)
    url = database_url or read_demo(demo_file).get("database_url", "")
    # Importing them changes how threads work, and the faults of a run need theirs as they are.
    from chaos.workloads.all import WORKLOADS as ALL  # noqa: PLC0415

    try:
        extra = ALL[read_run(folder)[0]["workload"]].checkers
        far = {"as_far_as_it_came": as_far_as_it_came}
        verdicts = (
            judge_again(folder, extra, **far) if again else judge_run(folder, url, extra, **far)
        )
        end = conclusion_of(folder, verdicts, **far)
        click.echo(screen(folder, verdicts, end))
    except UNTOLD as error:
        click.echo(untold(folder, error))
        sys.exit(UNKNOWN)
    sys.exit(end.code)


@main.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.argument("name", type=click.Path(path_type=Path))
def keep(folder: Path, name: Path) -> None:
    """Copy the report of a run to NAME.html and NAME.json, to be kept with the documentation."""
    try:
        kept = keep_report(folder, name)
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(" ".join(map(str, kept)))


@main.command()
def sabotages() -> None:
    """List the guards that can be broken, and who finds out."""
    for sabotage in SABOTAGES.values():
        found = ", ".join(sorted(sabotage.convicts)) or "harmless"
        law = f" (refused with {sabotage.law})" if sabotage.law else ""
        click.echo(f"{sabotage.name:<32}{sabotage.workload:<24}{found}{law}")


@main.command()
def faults() -> None:
    """List what can be broken, and what only a --fresh demo suffers."""
    for fault in FAULTS.values():
        click.echo(f"{fault.name:<22}{fault.about}{' (--fresh)' if OURS & {*fault.needs} else ''}")


def _end_politely() -> None:
    """Whoever tells us to end finds everything as it was before: no demo, no proxy, no disk."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(UNKNOWN))
    # Not of nohup, which lets nobody hang up.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: sys.exit(UNKNOWN))


@contextlib.contextmanager
def _told_when_interrupted(folder: Path, *, fresh: bool) -> Iterator[None]:
    """Ctrl-C is answered in words, when everything is as it was before."""
    try:
        yield
    except KeyboardInterrupt:
        if not (folder / RUN).exists():
            click.echo("Broken off before the attack began.")
        elif fresh:
            click.echo("Broken off. The demo is removed, and with it what could be judged.")
        else:
            click.echo(
                f"Broken off. To judge it as far as it came: python -m chaos judge {folder}\n"
                f"To go on with it: python -m chaos run --resume --folder {folder}"
            )
        sys.exit(UNKNOWN)


def _recall(options: Options) -> tuple[bool, str]:
    """What the run was that is taken up: whether its demo was its own, and its faults."""
    header = read_run(options["folder"])[0]
    options |= {name: header[name] for name in ("iterations", "users", "seed")}
    return bool(header.get("fresh")), ",".join(faults_of(header)) or "none"


def _aim_at_nothing_else(options: Options, demo_file: Path) -> None:
    """Name all that leads to the fresh demo, so that Locust's own settings and environment cannot
    name anything else; '' as the owner's address, for nobody who writes by hand, stays.
    """
    known = read_demo(demo_file) | ({"owner_url": ""} if options["owner_url"] == "" else {})
    known["target_url"] = known.pop("url")
    options |= {name: known[name] for name in ADDRESSES}


def _possible(wanted: list[Fault], *, everything: bool) -> list[Fault]:
    """Without those that this machine does not permit, if all were asked for; and say so."""
    reason = mountable() if any("disk" in fault.needs for fault in wanted) else ""
    if not reason:
        return wanted
    if not everything:
        raise FaultError(f"fill_disk is not possible here. {reason}")
    click.echo(f"Without fill_disk: {reason}")
    return [fault for fault in wanted if "disk" not in fault.needs]


def _instance(
    stack: contextlib.ExitStack, wanted: list[Fault], options: Options, *, resume: bool
) -> tuple[Path, Instance]:
    """A demo of this run's own, until the stack unwinds."""
    folder = options["folder"]
    if resume:
        made = taken_up_instance(folder)
    else:
        on_small_disk = any("disk" in fault.needs for fault in wanted)
        attempts = options["iterations"]
        made = fresh_instance(on_small_disk=on_small_disk, attempts=attempts, run=folder)
    instance = stack.enter_context(made)
    return instance.demo_file, instance


def _strike_meanwhile(
    stack: contextlib.ExitStack, wanted: list[Fault], demo_file: Path, options: Options
) -> None:
    """From when the attack begins until the stack unwinds."""
    ground = stack.enter_context(_ground(wanted, demo_file, options))
    options["target_url"] = ground.url
    options["faults"] = ",".join(fault.name for fault in wanted)
    stack.enter_context(Injector(wanted, ground, options["folder"], options["seed"]))


def _attack(demo_file: Path, options: Options, *, fresh: bool, resume: bool) -> int:
    """The users' verdict; if they are killed, those who come after them go on."""
    more = ["--of-its-own"] if fresh else []
    code = _locust(demo_file, options, [*more, "--resume"] if resume else more)
    for _ in range(TAKEN_UP_MAX):
        if code != -signal.SIGKILL:
            break
        # Somebody, or a lack of memory, ended them, and not us: what they attack is still here.
        click.echo("The users were killed. The run is taken up again.")
        code = _locust(demo_file, options, [*more, "--resume"])
    return code


def _keep_what_explains(code: int, options: Options) -> None:
    """If all was not well, what the fresh server said, which goes with its demo otherwise."""
    if code and "instance" in options:
        with contextlib.suppress(OSError):
            keep_server_log(options["instance"], options["folder"])


def _ground(
    wanted: list[Fault], demo_file: Path, options: Options
) -> contextlib.AbstractContextManager[Ground]:
    if "instance" in options:
        return fresh_ground(wanted, options["instance"], options["folder"])
    known = read_demo(demo_file)
    named = {"url": "target_url", "database_url": "database_url", "owner_url": "owner_url"}
    aims = {
        name: known.get(name, "") if options[option] is None else options[option]
        for name, option in named.items()
    }
    if not aims["url"] or not aims["database_url"]:
        raise FaultError("Nothing is there to strike: start a demo, or name the target.")
    return ground_for(wanted, **aims)


def _go_on_alone(folder: Path) -> None:
    """The same command in a session of its own, which no terminal ends."""
    folder.mkdir(parents=True, exist_ok=True)
    words = [word for word in sys.argv[1:] if word != "--detached"]
    log = folder / "run.log"
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - the words are those of this command
            [sys.executable, "-m", "chaos", *words, "--folder", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    click.echo(f"Process {process.pid} attacks; what it says is in {log}.")


def _locust(demo_file: Path, options: Options, more: list[str]) -> int:
    # Secrets go by the environment: a command line is for everybody on the machine to read.
    secrets = {
        f"CHAOS_{name.upper()}": str(options[name])
        for name in ("api_key", "database_url", "owner_url")
        if options[name] is not None
    }
    words = ["--demo-file", str(demo_file), "--spawn-rate", str(options["users"]), *more]
    for name, flag in FLAGS.items():
        if options.get(name) is not None:
            words += [flag, str(options[name])]
    process = subprocess.Popen(  # noqa: S603 - the words are ours
        [
            *(sys.executable, "-m", "locust", "-f", str(LOCUSTFILE)),
            *("--headless", "--only-summary", "--loglevel", "WARNING"),
            *words,
        ],
        # Ctrl-C is for us, and we tell them; a terminal has nothing to say to who runs headless.
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        env=os.environ | secrets | {ENDS_WITH: str(os.getpid())},
    )
    note_process(options["folder"], process.pid)
    try:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            code = process.wait()
            if code not in {0, 1, 2} or not (options["folder"] / RUN).exists():
                raise
            return code
    except BaseException:
        process.kill()
        process.wait()
        raise


if __name__ == "__main__":
    main()
