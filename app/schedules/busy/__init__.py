"""Busy times: when a provider is not to be had, whatever is published; blocks stand for them."""
