"""Measurements of Slotkeeper as it is shipped, side by side in one run; never part of the tests."""
