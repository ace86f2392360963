"""A vendor's API keys over HTTP: list, make, revoke."""
