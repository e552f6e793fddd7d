"""What a run was measured on: told with every result, since absolute figures say more of it than of a program."""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version

_TOLD = ("asyncpg", "sqlalchemy", "aiokafka", "uvicorn", "fastapi", "starlette", "pydantic")


def machine(*also: str) -> Mapping[str, str]:
    """Python, cores, versions of what matters (`also`), and the load average now (1, 5 and 15 minutes)."""
    return {
        "python": platform.python_version(),
        "cores": str(os.cpu_count()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "versions": ", ".join(f"{name} {version(name)}" for name in (*_TOLD, *also)),
        "load average": ", ".join(f"{value:.1f}" for value in os.getloadavg()),
    }
