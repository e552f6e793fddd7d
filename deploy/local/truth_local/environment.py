"""The environment that parts are started with, and how a part is asked whether it is there."""

import os
from collections.abc import Mapping

import httpx

_KEPT = (
    "HOME",
    "LANG",
    "LC_ALL",
    "PATH",
    "SYSTEMROOT",
    "TMPDIR",
    "TZ",
    "USER",
    "VIRTUAL_ENV",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
)
_PROBE_SECONDS = 2
MEMORY = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "131072", "MALLOC_ARENA_MAX": "2"}
"""As in the images (deploy/Dockerfile says why): what is measured here is what is deployed."""


def bare(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """A few variables of this process, and `settings`. TRUTH_… variables of the shell never reach a part."""
    kept = {name: value for name in _KEPT if (value := os.environ.get(name)) is not None}
    return {"PATH": os.defpath, **kept, "PYTHONUNBUFFERED": "1", **MEMORY, **(settings or {})}


def is_ok(address: str) -> bool:
    """Whether an address answers well."""
    try:
        return httpx.get(address, timeout=_PROBE_SECONDS, trust_env=False).is_success
    except httpx.HTTPError:
        return False
