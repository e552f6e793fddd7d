"""The engine wherever its folder lies: in a cache folder of any length."""

from pathlib import Path

from tests.containers.compose import Composed
from tests.containers.engine import Engine

_RUNROOT_MAX = 50
"""Characters that Podman takes (libpod's own check; its clean-up of an ended container fails beyond)."""


def test_a_long_cache_folder_leaves_what_podman_bounds_short() -> None:
    folders = [Path("/home") / name / ".cache/runtime-truth/containers" for name in ("a", "b" * 200)]
    roots = [Engine(folder).runroot for folder in folders]
    assert all(len(str(root)) <= _RUNROOT_MAX for root in roots)
    assert len(set(roots)) == len(folders)


def test_what_ran_once_is_told_as_exited(running: Composed) -> None:
    """Docker's word, which Compose waits for; "stopped" is Podman's, before its clean-up."""
    once = [name for name in running.containers(once=True) if name not in running.containers()]
    assert len(once) == 6
    for name in once:
        found = running.containers(once=True)[name]
        assert (found.status, found.attrs["State"]["Status"]) == ("exited", "exited"), name
