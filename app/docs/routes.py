"""/docs: every call, to read and to try; /docs/errors: every code."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template

from app.errors import CODES

blueprint = Blueprint("docs", __name__, template_folder="templates")

# Nothing is loaded from anywhere else; Swagger UI writes styles and small pictures into the page.
_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


@blueprint.get("/docs", strict_slashes=False)
def api() -> Response:
    """Every call, from the OpenAPI description."""
    return _page("api.html")


@blueprint.get("/docs/errors")
def errors() -> Response:
    """Every code that an answer can carry; a problem's `type` leads here."""
    return _page("errors.html", codes=CODES)


def _page(template: str, **context: object) -> Response:
    response = make_response(render_template(template, **context))
    response.headers["Content-Security-Policy"] = _POLICY
    return response
