"""The project's own images, built from deploy/Dockerfile as anybody would."""

from collections.abc import Callable

from truth_contracts.topics import SERVICES

from tests.containers.engine import Engine

TOOLS = ("issuer", "console")
_OLD = "72h"  # unnamed images are the cache of builds: only old ones go


def build_images(engine: Engine, tell: Callable[[str], None]) -> None:
    """All seven; what did not change since the last run comes from the engine's cache. Raises CommandError."""
    for name in (*TOOLS, *SERVICES):
        tell(f"truth-{name}:dev")
        source = ["--build-arg", "SOURCE=deploy"] if name in TOOLS else []
        engine.podman(
            *("build", "--network=host", "--layers", "--quiet", "--tag", f"truth-{name}:dev"),
            *("--file", "deploy/Dockerfile", "--build-arg", f"SERVICE={name}", *source, "."),
        )
    engine.podman("image", "prune", "--force", "--filter", f"until={_OLD}")
