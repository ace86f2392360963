"""Slots: publish, list, change and delete the time that can be booked."""
