"""Search: at which times a service can be booked, and by whom."""
