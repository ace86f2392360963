"""Slotkeeper: the door in front of the database that keeps the slots."""
