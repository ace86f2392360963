"""What one feature tells the others, who are not to import it, once it is committed."""

from __future__ import annotations

from blinker import Namespace

_signals = Namespace()

# A location has another time zone: vendor_id, location_id. Who follows answers what it did.
clocks_changed = _signals.signal("clocks_changed")
