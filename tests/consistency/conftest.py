"""A vendor in the module's database, as for the tests of SQL."""

from __future__ import annotations

from tests.shop_fixtures import module_app, module_owner, shop

__all__ = ["module_app", "module_owner", "shop"]
