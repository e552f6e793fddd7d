"""The infrastructure of the local system, for real."""

from truth_local.system import System

pytest_plugins = ["truth_local.testing"]


def test_up(infrastructure: System) -> None:
    assert infrastructure.is_running("kafka")
