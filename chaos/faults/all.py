"""The faults there are, by name, and which of them a run is to meet."""

from __future__ import annotations

from chaos.faults import Fault, FaultError, disk, network, processes, sessions

FAULTS: dict[str, Fault] = {
    fault.name: fault for group in (sessions, processes, network, disk) for fault in group.FAULTS
}
# What only a demo of our own has.
OURS = {"demo", "server", "storage", "disk"}


def chosen(words: str, *, fresh: bool) -> list[Fault]:
    """The faults of `--faults NAME,NAME`, all or none. Raises FaultError for what may not be.

    `fresh`: whether the instance is one that we started ourselves; `all` is less without it.
    """
    if words == "none":
        return []
    if words == "all":
        return [fault for fault in FAULTS.values() if fresh or not OURS & {*fault.needs}]
    names = [name.strip() for name in words.split(",")]
    for name in names:
        if name not in FAULTS:
            raise FaultError(f"There is no fault {name!r}. There are: {', '.join(FAULTS)}.")
        if not fresh and OURS & {*FAULTS[name].needs}:
            raise FaultError(
                f"{name} strikes processes or files: only --fresh, which starts them, allows it."
            )
    return [FAULTS[name] for name in dict.fromkeys(names)]
