"""Bookings and blocks: claim slots, and what happens to a claim afterwards."""
