"""Attacks on a running Slotkeeper from outside: a black box that imports nothing of app."""
