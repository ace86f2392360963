"""Whatever head-count allows is booked, however units were dealt before: compared with a count."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.headcount import HeadCount, Stay, wishes
from tests.shop import Shop, at

HOURS = 8
KINDS = ["book"] * 8 + ["cancel"] * 6 + ["squeeze"] * 5 + ["again", "lapse", "block", "resize"]


@pytest.fixture(scope="module")
def the_shop(module_app, module_owner):
    """One vendor for all examples; each takes a provider of its own."""
    return Shop(module_app, module_owner)


@dataclass
class Calendar:
    """A provider's slots, one after another, in the database and in the count."""

    shop: Shop
    cuts: list[int]
    capacities: list[int]
    cancelled: list[Stay] = field(default_factory=list)

    def __post_init__(self):
        self.provider_id = self.shop.provider()
        self.slots = [
            self.shop.slot(first, last, capacity=capacity, provider_id=self.provider_id)
            for (first, last), capacity in zip(self.spans(), self.capacities, strict=True)
        ]
        self.count = HeadCount([])
        self.measure()

    def spans(self):
        """The first and the last hour of each slot."""
        return list(zip([0, *self.cuts], [*self.cuts, HOURS], strict=True))

    def measure(self):
        """Tell the count how many places there are."""
        self.count.places = [
            capacity
            for (first, last), capacity in zip(self.spans(), self.capacities, strict=True)
            for _ in range(first, last)
        ]

    def slots_of(self, first, last):
        """The slots that a part lies in."""
        pairs = zip(self.spans(), self.slots, strict=True)
        return [slot for (begin, end), slot in pairs if begin < last and first < end]

    def do(self, deed, part, quantity, number):
        """One deed, whose answer must be the count's."""
        match deed:
            case "book" | "lapse" | "block":
                self.claim(deed, Stay(*part, quantity, lapsed=deed == "lapse"))
            case "squeeze" if self.count.longest():
                self.claim(deed, Stay(*self.count.longest(), 1))
            case "cancel":
                self.cancel(number)
            case "again" if self.cancelled:
                self.claim_again(self.cancelled[number % len(self.cancelled)])
            case "resize":
                self.resize(number % len(self.slots), 1 + number % 6)

    def claim(self, deed, stay):
        """Book a part."""
        times = {"start": at(stay.first), "end": at(stay.last), "quantity": stay.quantity}
        left = self.count.left(stay.first, stay.last)
        if deed == "block":
            (answer,) = self.shop.call("block_time", provider_id=self.provider_id, **times)
        else:
            hold = timedelta(minutes=5) if stay.lapsed else None
            slots = self.slots_of(stay.first, stay.last)
            answer = self.shop.claim(*slots, **times, hold_for=hold, alternatives=2)
        self.check(answer, stay, left, "HELD" if stay.lapsed else "CONFIRMED")
        if left < stay.quantity:
            self.check_alternatives(answer)
            return
        stay.booking_id = answer["booking_id"]
        self.count.stays.append(stay)
        if stay.lapsed:
            self.shop.owner.execute(
                "UPDATE bookings SET hold_expires_at = now() WHERE id = %s", [stay.booking_id]
            )

    def check(self, answer, stay, left, success):
        """A request is refused when places are short at some moment, and only then."""
        if left >= stay.quantity:
            assert answer["outcome"] == success, answer
            return
        refusal = "INSUFFICIENT_INVENTORY" if left else "BOOKING_CONFLICT"
        assert (answer["outcome"], answer["facts"]["available"]) == (refusal, left)

    def check_alternatives(self, answer):
        """What is offered of this calendar instead has the places it says, or more, where a hold
        has lapsed and nobody has come for it yet.
        """
        for offer in answer["facts"].get("alternatives", []):
            if offer["provider_id"] == str(self.provider_id):
                first, last = (_hour(offer[name]) for name in ("start", "end"))
                standing = self.count.left(first, last)
                assert standing >= offer["available"] >= self.count.left(first, last, lapsed=True)

    def cancel(self, number):
        """Cancel one of those that stand."""
        standing = [stay for stay in self.count.stays if not stay.lapsed]
        if not standing:
            return
        stay = standing[number % len(standing)]
        kind = self.shop.booking(stay.booking_id)["kind"]
        function = "unblock_time" if kind == "block" else "cancel_booking"
        assert self.shop.move(function, stay.booking_id)["outcome"] == "CANCELLED"
        self.count.stays.remove(stay)
        if kind == "appointment":
            self.cancelled.append(stay)

    def claim_again(self, stay):
        """Confirm a cancelled booking, if there is room for it."""
        left = self.count.left(stay.first, stay.last)
        self.check(self.shop.move("confirm_booking", stay.booking_id), stay, left, "CONFIRMED")
        if left >= stay.quantity:
            self.cancelled.remove(stay)
            self.count.stays.append(stay)

    def resize(self, place, capacity):
        """Give a slot another capacity: refused when more are there at some moment."""
        first, last = self.spans()[place]
        most = self.capacities[place] - self.count.left(first, last)
        (answer,) = self.shop.call("resize_slot", slot_id=self.slots[place], capacity=capacity)
        assert answer["outcome"] == ("RESIZED" if capacity >= most else "SLOT_IN_USE"), answer
        if capacity >= most:
            self.capacities[place] = capacity
            self.measure()
            return
        named = {found["booking_id"] for found in answer["facts"]["bookings"]}
        taken = [self.capacities[place] - left for left in self.count.free()]
        assert named == {
            str(stay.booking_id)
            for stay in self.count.stays
            if not stay.lapsed
            and any(
                taken[hour] > capacity
                for hour in range(max(first, stay.first), min(last, stay.last))
            )
        }

    def compare(self):
        """What is shown as free is what the count has, and all checks of the truth are content."""
        rows = self.shop.call(
            "list_availability",
            **{"from": at(0), "to": at(24), "provider_id": self.provider_id, "quantity": 2},
        )
        viewed = self.shop.rows(
            "SELECT slot_id, available_count FROM slot_availability"
            " WHERE vendor_id = %s AND provider_id = %s",
            self.provider_id,
        )
        by_view = {row["slot_id"]: row["available_count"] for row in viewed}
        assert [row["slot_id"] for row in rows] == self.slots
        for row, (first, last) in zip(rows, self.spans(), strict=True):
            shown = [[_hour(f["start"]), _hour(f["end"]), f["available"]] for f in row["free"]]
            assert shown == list(self.count.stretches(first, last))
            assert row["available"] == self.count.left(first, last) == by_view[row["slot_id"]]
            most = max(self.count.free()[first:last])
            assert row["status"] == ("available" if most >= 2 else "sold_out")


def _hour(text):
    return int(text[11:13])


@settings(derandomize=True, deadline=None, max_examples=100)
@given(
    st.one_of(st.just([]), st.lists(st.integers(1, HOURS - 1), min_size=1, max_size=1)),
    st.lists(st.sampled_from([2, 2, 3, 4, 6]), min_size=2, max_size=2),
    st.integers(0, 2**32),
)
def test_a_request_is_accepted_exactly_when_head_count_allows_at_every_moment(
    the_shop, cuts, capacities, seed
):
    calendar = Calendar(the_shop, cuts, capacities[: len(cuts) + 1])
    for wish in wishes(seed, KINDS, 0, HOURS):
        calendar.do(*wish)
    calendar.compare()
    assert the_shop.violations() == []
