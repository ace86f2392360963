"""`python -m chaos run`: an attack on a running Slotkeeper, whose exit code is the verdict."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import click

from chaos.instance import fresh_instance
from chaos.judgement import judge_run
from chaos.sabotage import apply
from chaos.sabotage.all import SABOTAGES
from chaos.screen import held, screen
from chaos.target import DEMO_FILE, read_demo

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
}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Attack a running Slotkeeper from outside, and check what it promised."""


@main.command()
@click.option("--workload", type=click.Choice(WORKLOADS), default="everything", show_default=True)
@click.option("--seed", default=1, show_default=True, help="Decides what each user asks for.")
@click.option("--iterations", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--users", type=click.IntRange(1), default=30, show_default=True)
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
def run(
    *,
    fresh: bool,
    resume: bool,
    sabotage: str | None,
    demo_file: Path,
    **options: str | int | Path | None,
) -> None:
    """Run a workload. Exit code 0: every promise held; 1: one did not; 2: nobody can tell.

    What is not given is taken from the file that `slotkeeper demo` writes.
    """
    if sabotage is not None and (not fresh or sabotage not in SABOTAGES):
        raise click.UsageError("--sabotage breaks a --fresh demo; python -m chaos sabotages lists.")
    with contextlib.ExitStack() as stack:
        if fresh:
            demo_file = stack.enter_context(fresh_instance())
        if sabotage is not None:
            options["sabotage"] = sabotage
            apply(SABOTAGES[sabotage], read_demo(demo_file)["owner_url"])
        code = _locust(demo_file, options, ["--resume"] if resume else [])
    sys.exit(code)


@main.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.option("--database-url", envvar="CHAOS_DATABASE_URL", help="As the application's role.")
@click.option("--demo-file", type=Path, default=DEMO_FILE, show_default=True)
def judge(folder: Path, database_url: str | None, demo_file: Path) -> None:
    """Judge the run of a folder, also one that was broken off. Exit code as of run."""
    url = database_url or read_demo(demo_file).get("database_url", "")
    verdicts = judge_run(folder, url)
    click.echo(screen(folder, verdicts))
    sys.exit(0 if held(verdicts) else 1)


@main.command()
def sabotages() -> None:
    """List the guards that can be broken, and who finds out."""
    for sabotage in SABOTAGES.values():
        found = ", ".join(sorted(sabotage.convicts)) or "harmless"
        law = f" (refused with {sabotage.law})" if sabotage.law else ""
        click.echo(f"{sabotage.name:<32}{sabotage.workload:<24}{found}{law}")


def _locust(demo_file: Path, options: dict[str, str | int | Path | None], more: list[str]) -> int:
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
    return subprocess.call(  # noqa: S603 - the words are ours
        [
            *(sys.executable, "-m", "locust", "-f", str(LOCUSTFILE)),
            *("--headless", "--only-summary", "--loglevel", "WARNING"),
            *words,
        ],
        env=os.environ | secrets,
    )


if __name__ == "__main__":
    main()
