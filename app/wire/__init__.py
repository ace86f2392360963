"""What goes over the wire, the same for every feature: JSON, fields, pages, ETags, OpenAPI."""
