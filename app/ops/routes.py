"""/healthz, /readyz, /metrics."""

from __future__ import annotations

from flask import Blueprint, Response

from app import metrics
from app.ops.readiness import check_readiness
from app.wire.answers import answer

blueprint = Blueprint("ops", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """This process answers; nothing else is looked at."""
    return answer({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> Response:
    """200 when everything that a request needs is there, otherwise 503 and what is missing."""
    checks = check_readiness()
    ready = all(found == "ok" for found in checks.values())
    return answer({"status": "ready" if ready else "not ready", **checks}, 200 if ready else 503)


@blueprint.get("/metrics")
def prometheus() -> Response:
    """What all workers of this server have counted."""
    return Response(metrics.exposition(), content_type=metrics.CONTENT_TYPE)
