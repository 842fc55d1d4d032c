"""Imports of tables wait for the fixtures: this file is read before Django is set up."""

from tests.api.conftest import bundle

__all__ = ["bundle"]
