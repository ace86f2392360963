"""Schedules: a provider's weeks in local time, kept published as slots."""
