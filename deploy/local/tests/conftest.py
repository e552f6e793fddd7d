"""These tests are about the local processes, whatever backend the others use."""

import pytest
from truth_local.system import System


@pytest.fixture(scope="session")
def infrastructure(local_infrastructure: System) -> System:
    """Local processes."""
    return local_infrastructure
