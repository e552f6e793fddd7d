"""Faults strike a system of their own: what a test leaves broken is never another module's trouble."""

import pytest
from truth_local.system import System


@pytest.fixture(scope="module")
def system(own_system: System) -> System:
    """The module's own."""
    return own_system
