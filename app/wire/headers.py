"""Headers of every answer: what browsers may do with it, who may embed it, who may keep it."""

from __future__ import annotations

from flask import Flask, Response, current_app, request
from werkzeug.middleware.proxy_fix import ProxyFix

from app.config import Settings

API = "/api/"
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
STRICT_TRANSPORT = "max-age=31536000"
ALLOWED_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-Id"
)
EXPOSED_HEADERS = (
    "ETag, Idempotency-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"
)
PREFLIGHT_SECONDS = 600
_ALL = tuple(SECURITY.items())
_REST = tuple(item for item in _ALL if item[0] != "Content-Security-Policy")


def send_headers(app: Flask, settings: Settings) -> None:
    """Register the headers with `app`, and take the caller's address from trusted proxies."""
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    if settings.cors_origins:
        embedding = Embedding(settings.cors_origins)
        app.before_request(embedding.answer_preflight)
        app.after_request(embedding.allow)
    https = settings.public_url.startswith("https://")

    def protect(response: Response) -> Response:
        headers = response.headers
        # The pages for people allow themselves a little more.
        headers.extend(_REST if "Content-Security-Policy" in headers else _ALL)
        if https:
            headers["Strict-Transport-Security"] = STRICT_TRANSPORT
        if request.path.startswith(API) and (
            "Cache-Control" not in headers or "HTTP_AUTHORIZATION" in request.environ
        ):
            # What is left changes by the second, and what credentials show is nobody else's.
            headers["Cache-Control"] = "no-store"
        return response

    app.after_request(protect)


class Embedding:
    """CORS for pages of `origins` ("*": all). Nobody's cookies count here, so none are allowed."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        self._all = "*" in origins
        self._origins = frozenset(origins)

    def answer_preflight(self) -> Response | None:
        """204 to a browser that asks on behalf of a page before it sends the request itself."""
        if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers:
            return None
        if not request.path.startswith(API) or self._allowed() is None:
            return None
        response = current_app.make_default_options_response()
        response.status_code = 204
        response.headers["Access-Control-Allow-Methods"] = response.headers["Allow"]
        response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
        response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
        response.vary.update(["Access-Control-Request-Method", "Access-Control-Request-Headers"])
        return response

    def allow(self, response: Response) -> Response:
        """Let the page that asked read the answer, refusals included."""
        if not request.path.startswith(API):
            return response
        if not self._all:
            response.vary.add("Origin")
        allowed = self._allowed()
        if allowed is not None:
            response.headers["Access-Control-Allow-Origin"] = allowed
            response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
        return response

    def _allowed(self) -> str | None:
        origin = request.headers.get("Origin")
        if origin is None:
            return None
        if self._all:
            return "*"
        return origin if origin in self._origins else None
