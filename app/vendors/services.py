"""What a service has beside its columns: its needs, and for each the providers who can fill it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, insert, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.errors import InvalidRequest, Problem
from app.errors.refusals import refusal
from app.models import Provider, Service, ServiceNeed, ServiceProvider

Needs = list[dict[str, Any]]
_DAY_MINUTES = 24 * 60
# Read with the service in one statement, so that they are those of the version shown.
_NEEDS: ColumnElement[Needs] = literal_column(
    """(
    SELECT COALESCE(jsonb_agg(jsonb_build_object('role', n.role, 'providers', (
        SELECT jsonb_agg(jsonb_build_object('provider_id', sp.provider_id,
                                            'preference', sp.preference)
                         ORDER BY sp.preference, sp.provider_id)
        FROM service_providers sp
        WHERE sp.vendor_id = n.vendor_id AND sp.service_id = n.service_id AND sp.need = n.need
    )) ORDER BY n.need), '[]')
    FROM service_needs n
    WHERE n.vendor_id = services.vendor_id AND n.service_id = services.id
)""",
    JSONB,
)


def services_with_needs() -> Select[Service, Needs]:
    """A search for services, each row with its needs as answers show them: best preference first.

    An archived provider is in nobody's needs.
    """
    return select(Service, _NEEDS)


def needs_of(session: Session, service: Service) -> Needs:
    """The needs of one service."""
    wanted = select(_NEEDS).select_from(Service)
    found: Needs = session.scalars(
        wanted.where(Service.vendor_id == service.vendor_id, Service.id == service.id)
    ).one()
    return found


def replace_needs(session: Session, service: Service, wanted: Needs) -> bool:
    """The service, whose row the caller has locked, has these needs; whether they are others.

    Locks the providers named, by id (SHARE): none is archived until the caller has committed.
    Raises PROVIDER_NOT_FOUND.
    """
    _require_providers(session, service.vendor_id, wanted)
    if _canonical(wanted) == needs_of(session, service):
        return False
    key = {"vendor_id": service.vendor_id, "service_id": service.id}
    for table in (ServiceProvider, ServiceNeed):
        session.execute(delete(table).filter_by(**key))
    needs = [{**key, "need": i, "role": one["role"]} for i, one in enumerate(wanted, 1)]
    providers = [
        {**key, "need": i, **provider}
        for i, one in enumerate(wanted, 1)
        for provider in one["providers"]
    ]
    if needs:
        session.execute(insert(ServiceNeed), needs)
        session.execute(insert(ServiceProvider), providers)
    return True


def has_needs(session: Session, service: Service, wanted: Needs) -> bool:
    """Whether these are the needs of the service."""
    return _canonical(wanted) == needs_of(session, service)


def lock_services_of(session: Session, vendor_id: UUID, provider_id: UUID) -> list[Service]:
    """The services that name the provider and are not archived, locked by id."""
    naming = select(ServiceProvider.service_id).filter_by(
        vendor_id=vendor_id, provider_id=provider_id
    )
    return list(
        session.scalars(
            select(Service)
            .where(
                Service.vendor_id == vendor_id,
                Service.archived_at.is_(None),
                Service.id.in_(naming),
            )
            .order_by(Service.id)
            .with_for_update(key_share=True)
            # As they are under the lock, whoever read them before.
            .execution_options(populate_existing=True)
        )
    )


def require_unneeded(session: Session, vendor_id: UUID, provider_id: UUID) -> None:
    """Every need that the provider fills has somebody else. Raises PROVIDER_IN_USE."""
    naming = select(ServiceProvider.service_id).filter_by(
        vendor_id=vendor_id, provider_id=provider_id
    )
    services = [
        {"service_id": service.id, "name": service.name, "role": need["role"]}
        for service, needs in session.execute(
            services_with_needs()
            .where(
                Service.vendor_id == vendor_id,
                Service.archived_at.is_(None),
                Service.id.in_(naming),
            )
            .order_by(Service.id)
        )
        for need in needs
        if [one["provider_id"] for one in need["providers"]] == [str(provider_id)]
    ]
    if services:
        raise refusal("PROVIDER_IN_USE", {"services": services})


def leave_services(session: Session, provider: Provider) -> None:
    """No service names the provider any more; those that did are a version further."""
    for service in lock_services_of(session, provider.vendor_id, provider.id):
        session.execute(
            delete(ServiceProvider).filter_by(
                vendor_id=provider.vendor_id, service_id=service.id, provider_id=provider.id
            )
        )
        service.version += 1
        service.updated_at = func.now()


def require_sense(row: object) -> None:
    """The rules of a service can be kept all at once; of other rows anything can.

    Raises InvalidRequest.
    """
    if not isinstance(row, Service):
        return
    if row.duration_minutes is None:
        for name in ("buffer_before_minutes", "buffer_after_minutes"):
            if getattr(row, name):
                raise InvalidRequest({name: "A service of whole slots has no buffers: give 0."})
    # A new row has not been given its defaults yet.
    if row.quantity_max is not None and row.quantity_max < (row.quantity_min or 1):
        raise InvalidRequest({"quantity_max": "Is less than quantity_min."})
    if row.window_days is not None and (row.notice_minutes or 0) >= row.window_days * _DAY_MINUTES:
        raise InvalidRequest(
            {
                "notice_minutes": "Is as long as window_days or longer: the public could never book"
                " this service.",
            }
        )


def _require_providers(session: Session, vendor_id: UUID, wanted: Needs) -> None:
    named = {
        provider["provider_id"]: f"needs.{i}.providers.{j}.provider_id"
        for i, need in enumerate(wanted)
        for j, provider in enumerate(need["providers"])
    }
    for provider_id in sorted(named):
        provider = session.get(Provider, (vendor_id, provider_id), with_for_update={"read": True})
        if provider is None or provider.archived_at is not None:
            detail = f"{named[provider_id]}: there is no provider {provider_id}."
            raise Problem("PROVIDER_NOT_FOUND", detail)


def _canonical(wanted: Needs) -> Needs:
    """As needs_of shows them."""
    return [
        {
            "role": need["role"],
            "providers": [
                {"provider_id": str(one["provider_id"]), "preference": one["preference"]}
                for one in sorted(
                    need["providers"], key=lambda one: (one["preference"], one["provider_id"])
                )
            ],
        }
        for need in wanted
    ]
