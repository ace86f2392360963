"""Consistency: the independent checks of what the constraints promise."""
