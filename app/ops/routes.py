"""/healthz, /readyz, /metrics."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, Flask, Response, current_app
from flask.sansio.blueprints import BlueprintSetupState

from app import metrics
from app.ops.look import DatabaseLook
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
    """What all workers of this server have counted, and what the database tells."""
    look: DatabaseLook = current_app.extensions["slotkeeper-database-look"]
    return Response(metrics.exposition() + look.exposition(), content_type=metrics.CONTENT_TYPE)


def _begin_looking(state: BlueprintSetupState) -> None:
    state.app.extensions["slotkeeper-database-look"] = DatabaseLook(cast("Flask", state.app))


blueprint.record(_begin_looking)
