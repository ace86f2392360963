"""The vendor at work: publishes, resizes, deletes and blocks what the crowd is after."""

from __future__ import annotations

from chaos.attackers import Attacker
from chaos.stage import Slot

CAPACITY_MAX = 6
DOORS = ("http", "sql")


class Vendor(Attacker):
    """Changes the slots of the role "fire", and publishes anew what it has deleted."""

    def act(self) -> None:
        slots = self.this_run.stage.roles["fire"]
        index = self.dice.randrange(len(slots))
        slot, door = slots[index], self.dice.choice(DOORS)
        act = self.dice.choice(("resize", "resize", "delete", "block", "block", "unblock"))
        if act == "resize":
            capacity = self.dice.randint(1, CAPACITY_MAX)
            asked = {"slot_id": slot.id, "slots": [slot.id], "capacity": capacity}
            self.perform(door, "resize", asked)
        elif act == "delete":
            self._replace(door, index, slot)
        elif act == "block":
            self._block(door, slot)
        else:
            block = self.this_run.blocks.pick(self.dice, keep=self.dice.random() < 0.1)
            if block is not None:
                self.perform(door, "unblock", block)

    def _replace(self, door: str, index: int, slot: Slot) -> None:
        """Delete a slot, and publish its time again: the crowd follows to the new one."""
        asked = {"slot_id": slot.id, "slots": [slot.id]}
        gone = self.perform(door, "delete_slot", asked)
        if gone.result != "ok" and gone.code != "SLOT_NOT_FOUND":
            return
        capacity = self.dice.randint(1, CAPACITY_MAX)
        anew = {"start": slot.start, "end": slot.end, "capacity": capacity}
        wanted = {"provider_id": slot.provider_id, "published": [anew]}
        made = self.perform(door, "publish", wanted)
        if made.result == "ok":
            (new_id, new_capacity) = made.answer["published"][0]
            fresh = Slot(new_id, slot.provider_id, slot.start, slot.end, new_capacity)
            self.this_run.stage.roles["fire"][index] = fresh
        elif made.code == "SLOT_OVERLAP":
            self._make_way(slot)

    def _make_way(self, slot: Slot) -> None:
        """Delete what was published in its place, and nobody heard of: for the crowd it is lost."""
        days = {"start": slot.start, "end": slot.end}
        seen = self.perform("http", "read", {"provider_id": slot.provider_id, **days})
        for slot_id in seen.answer.get("shown", {}):
            self.perform("http", "delete_slot", {"slot_id": slot_id, "slots": [slot_id]})

    def _block(self, door: str, slot: Slot) -> None:
        asked = {
            "provider_id": slot.provider_id,
            "slots": [slot.id],
            "start": slot.start,
            "end": slot.end,
            "token": self.token(),
        }
        done = self.perform(door, "block", asked)
        if done.result == "ok":
            block = {"booking_id": done.answer["booking_id"], "slots": [slot.id]}
            self.this_run.blocks.add(block)
