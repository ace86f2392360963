"""Over HTTP, too, a request is accepted exactly when head-count allows, and what is shown is so."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.conftest import ADA, at
from tests.headcount import HeadCount, Stay, wishes

OPENS, CLOSES = 9, 15
KINDS = ["book"] * 5 + ["cancel"] * 3 + ["squeeze", "resize"]


class Counted:
    """A slot over HTTP, and the count it is compared with."""

    def __init__(self, vendor, provider_id, capacity):
        self.vendor = vendor
        self.slot = vendor.slot(OPENS, CLOSES, capacity=capacity, provider_id=provider_id)
        self.capacity = capacity
        self.count = HeadCount([])
        self.measure(capacity)

    def measure(self, capacity):
        """The slot has so many places now."""
        self.capacity = capacity
        self.count.places = [0] * OPENS + [capacity] * (CLOSES - OPENS)

    def do(self, deed, part, quantity, number):
        """One deed, whose answer must be the count's."""
        match deed:
            case "book":
                self.book(Stay(*part, quantity))
            case "squeeze" if self.count.longest():
                self.book(Stay(*self.count.longest(), 1))
            case "cancel" if self.count.stays:
                stay = self.count.stays.pop(number % len(self.count.stays))
                path = f"/bookings/{stay.booking_id}/cancel"
                assert self.vendor.post(path, auth=self.vendor.key).status_code == 200
            case "resize":
                self.resize(1 + number % 6)

    def book(self, stay):
        """Book a part as anybody may."""
        left = self.count.left(stay.first, stay.last)
        wanted = {"slot_id": self.slot["id"], "start": at(stay.first), "end": at(stay.last)}
        answer = self.vendor.post(
            "/bookings", {**wanted, "quantity": stay.quantity, "customer": ADA}
        )
        if left >= stay.quantity:
            assert answer.status_code == 201, answer.text
            stay.booking_id = answer.json()["id"]
            self.count.stays.append(stay)
            return
        problem = answer.json()
        refusal = "INSUFFICIENT_INVENTORY" if left else "BOOKING_CONFLICT"
        assert (answer.status_code, problem["code"]) == (409, refusal)
        assert problem["conflict"]["available"] == left

    def resize(self, capacity):
        """Give the slot another number of places."""
        path = f"/slots/{self.slot['id']}"
        answer = self.vendor.call("PATCH", path, {"capacity": capacity}, self.vendor.key)
        fits = capacity >= self.capacity - self.count.left(OPENS, CLOSES)
        assert answer.status_code == (200 if fits else 409), answer.text
        if fits:
            self.measure(capacity)

    def compare(self, service_id=None, quantity=1):
        """What everybody is shown is what the count says."""
        query = f"from={at(0)}&to={at(24)}&provider_id={self.slot['provider_id']}"
        query += f"&quantity={quantity}" + (f"&service_id={service_id}" if service_id else "")
        (shown,) = self.vendor.get(f"/availability?{query}").json()["items"]
        assert [
            [int(free["start"][11:13]), int(free["end"][11:13]), free["available"]]
            for free in shown["free"]
        ] == list(self.count.stretches(OPENS, CLOSES))
        assert shown["available"] == self.count.left(OPENS, CLOSES)
        length = 3 if service_id else 1
        fits = any(
            self.count.left(first, first + length) >= quantity
            for first in range(OPENS, CLOSES - length + 1)
        )
        assert shown["status"] == ("available" if fits else "sold_out")


@settings(
    derandomize=True,
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.integers(2, 4), st.integers(0, 2**32))
def test_a_request_is_accepted_exactly_when_head_count_allows(new_vendor, capacity, seed):
    vendor = new_vendor()
    service = vendor.service(duration_minutes=180)
    counted = Counted(vendor, vendor.provider()["id"], capacity)
    for wish in wishes(seed, KINDS, OPENS, CLOSES):
        counted.do(*wish)
    counted.compare()
    counted.compare(service["id"], quantity=2)


def test_whoever_makes_way_for_another_hears_nothing_of_it(vendor):
    counted = Counted(vendor, vendor.provider()["id"], 2)
    for first, last in ((9, 10), (9, 12)):
        counted.book(Stay(first, last, 1))
    counted.do("cancel", (9, 10), 1, 0)
    counted.book(Stay(12, 15, 1))
    late = counted.count.stays[-1].booking_id
    paths = (f"/bookings/{late}", f"/bookings/{late}/events")
    before = [vendor.get(path, vendor.key).json() for path in paths]
    counted.book(Stay(OPENS, CLOSES, 1))
    assert [vendor.get(path, vendor.key).json() for path in paths] == before
    counted.compare()
