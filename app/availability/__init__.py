"""Availability: what can be booked, and what is left of it."""
