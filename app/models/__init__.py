"""Mirrors of the tables that the migrations make: columns, keys and constraints, no behaviour."""

from __future__ import annotations

from app.models.api_keys import ApiKey
from app.models.base import Base
from app.models.bookings import Booking, Claim
from app.models.busy_times import BusyBlock, BusyTime
from app.models.customers import Customer
from app.models.events import Event
from app.models.idempotency_keys import IdempotencyKey
from app.models.import_refs import ImportRef
from app.models.operator_keys import OperatorKey
from app.models.schedules import Schedule, ScheduleException, SchedulePublishing
from app.models.schema_seal import SchemaSeal
from app.models.slots import Slot
from app.models.vendors import Location, Provider, Service, ServiceNeed, ServiceProvider, Vendor

metadata = Base.metadata

__all__ = [
    "ApiKey",
    "Base",
    "Booking",
    "BusyBlock",
    "BusyTime",
    "Claim",
    "Customer",
    "Event",
    "IdempotencyKey",
    "ImportRef",
    "Location",
    "OperatorKey",
    "Provider",
    "Schedule",
    "ScheduleException",
    "SchedulePublishing",
    "SchemaSeal",
    "Service",
    "ServiceNeed",
    "ServiceProvider",
    "Slot",
    "Vendor",
    "metadata",
]
