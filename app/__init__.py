"""Slotkeeper: the door in front of the database that keeps the slots."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.config import Settings
    from app.wire.blueprint import Blueprint

BODY_BYTES_MAX = 1024 * 1024


def create_app(settings: Settings | None = None) -> Flask:
    """The web application, set up as `settings` say, or the environment if there are none.

    Raises ConfigurationError when the database's address or the secret key is missing.
    """
    # Imported here: importing any module of app imports this one first, and most commands need
    # nothing of the web.
    from flask import Flask

    from app import logs
    from app.auth.credentials import opens_something
    from app.config import Settings
    from app.db import init_database, watch_pool
    from app.docs.routes import blueprint as docs
    from app.errors.problems import register_handlers
    from app.ops.routes import blueprint as ops
    from app.wire.answers import JsonProvider
    from app.wire.headers import send_headers
    from app.wire.heads import refuse_odd_heads
    from app.wire.limits import limit_rates
    from app.wire.openapi import describe_api
    from app.wire.sessions import NoSessions
    from app.wire.trail import leave_trail

    if settings is None:
        settings = Settings.from_environment()
        logs.configure(settings.log_level, settings.log_format)

    app = Flask(__name__)
    app.json = JsonProvider(app)
    # Otherwise "//" in a path is answered by a redirect to whatever the Host header says.
    app.url_map.merge_slashes = False
    app.session_interface = NoSessions()
    app.config["SECRET_KEY"] = settings.require_secret_key()
    app.config["PUBLIC_URL"] = settings.public_url
    app.config["PUBLISH_DAYS"] = settings.publish_days
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES_MAX

    init_database(app, settings)
    watch_pool(app, settings)
    leave_trail(app)
    refuse_odd_heads(app)
    send_headers(app, settings)
    limit_rates(app, settings, opens_something)
    api = describe_api(app)
    for feature in _features():
        api.register_blueprint(feature)
    app.register_blueprint(docs)
    app.register_blueprint(ops)
    register_handlers(app)
    return app


def preload() -> None:
    """Import what `create_app` needs, and make nothing: whoever is forked later begins at once."""
    from app.docs import routes as docs  # noqa: F401
    from app.ops import routes as ops  # noqa: F401
    from app.wire import headers, heads, limits, openapi, sessions, trail  # noqa: F401

    _features()


def _features() -> tuple[Blueprint, ...]:
    """The calls of the API, in the order in which it is described."""
    from app.availability.routes import blueprint as availability
    from app.bookings.blocks import blueprint as blocks
    from app.bookings.day import blueprint as day
    from app.bookings.manage_tokens import blueprint as manage_tokens
    from app.bookings.routes import blueprint as bookings
    from app.consistency.routes import blueprint as consistency
    from app.customers.routes import blueprint as customers
    from app.keys.routes import blueprint as keys
    from app.schedules.busy.routes import blueprint as busy_times
    from app.schedules.routes import blueprint as schedules
    from app.search.routes import blueprint as search
    from app.slots.routes import blueprint as slots
    from app.vendors.operator import blueprint as operator
    from app.vendors.routes import blueprint as vendors

    return (
        operator,
        vendors,
        keys,
        schedules,
        busy_times,
        slots,
        availability,
        search,
        bookings,
        blocks,
        manage_tokens,
        day,
        customers,
        consistency,
    )
