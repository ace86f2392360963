"""/docs: every call, to read and to try; /docs/errors and others: the pages of docs/api."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template
from markupsafe import Markup

from app.docs.markdown import page_as_html, page_names
from app.errors import Problem

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


@blueprint.get("/docs/<page>")
def page(page: str) -> Response:
    """A page of docs/api. A problem's `type` leads to its code on the one about errors."""
    found = page_as_html(page)
    if found is None:
        raise Problem("NOT_FOUND", "There is no such page.")
    title, content = found
    return _page("page.html", title=title, content=Markup(content), pages=page_names())  # noqa: S704  # Our own file, and no HTML in it is let through.


def _page(template: str, **context: object) -> Response:
    response = make_response(render_template(template, **context))
    response.headers["Content-Security-Policy"] = _POLICY
    return response
