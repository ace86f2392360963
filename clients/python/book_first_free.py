"""Book the first free slot of the next two weeks: python book_first_free.py BASE_URL VENDOR."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

from slotkeeper_client import Slotkeeper, SlotkeeperError


def main(base_url: str, vendor: str) -> int:
    """Print the booking, or why there is none."""
    now = datetime.now(UTC)
    slotkeeper = Slotkeeper(base_url, vendor)
    for opening in slotkeeper.availability(now, now + timedelta(days=14)):
        if opening["status"] == "sold_out" or datetime.fromisoformat(opening["start"]) < now:
            continue
        try:
            booking = slotkeeper.book(
                slot_id=opening["slot_id"],
                customer={"name": "Ada Lovelace", "email": "ada@example.org"},
            )
        except SlotkeeperError as error:
            if error.code != "BOOKING_CONFLICT":
                raise
            # Somebody was faster: go on to the next one.
            continue
        print(f"Booked {booking['start']} ({booking['time_zone']}): {booking['id']}")
        print(f"Its manage_token: {booking['manage_token']}")
        return 0
    print("Nothing is free in the next two weeks.")
    return 1


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
