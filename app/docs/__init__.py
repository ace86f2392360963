"""The documentation that the server itself shows: /docs and /docs/errors."""
