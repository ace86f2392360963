"""The documentation that the server itself shows: /docs, and the pages of docs/api."""
