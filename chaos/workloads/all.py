"""Every workload by its name. A new one is a file beside these, and a line here."""

from __future__ import annotations

from chaos.workloads import (
    Workload,
    calendars,
    capacity,
    double_booking_attack,
    erasures,
    everything,
    hold_expiry,
    idempotency,
    nights,
    parts,
    services,
    vendor_under_fire,
)

WORKLOADS: dict[str, Workload] = {
    module.WORKLOAD.name: module.WORKLOAD
    for module in (
        double_booking_attack,
        capacity,
        nights,
        parts,
        services,
        calendars,
        hold_expiry,
        idempotency,
        vendor_under_fire,
        erasures,
        everything,
    )
}
