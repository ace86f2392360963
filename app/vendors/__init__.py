"""Vendors and their catalogue: locations, providers, services."""
