"""What goes over the wire, the same for every feature: JSON, fields, pages, ETags, OpenAPI."""

from __future__ import annotations

from app.wire.sentences import speak_plainly

# Before any schema is made: a field takes its sentences along when it is made.
speak_plainly()
