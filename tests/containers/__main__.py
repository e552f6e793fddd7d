"""`python -m tests.containers`: an engine from packages, stand-in images, our images, and the tests on them.

With a command behind `--` that command is run on the engine in place of the tests. Root on Debian; exit code as
that of the tests or the command, 1 when something before them failed, 130 on Ctrl-C. Images are kept in the
cache folder, so that the next run is quick; `--forget` deletes them.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from truth_local.jars import cache_folder

from tests.containers.engine import Engine, install, serving
from tests.containers.images import build_images
from tests.containers.running import ROOT, CommandError
from tests.containers.standins import build_standins

_INTERRUPTED = 130
_FOLDER = cache_folder(os.environ, ROOT / ".truth" / "cache") / "engine"
_TESTS = [sys.executable, "-m", "pytest", "tests/containers", "--backend=containers"]
_started = time.monotonic()


def main() -> int:
    """Do it all, and clear up."""
    parser = argparse.ArgumentParser(prog="python -m tests.containers", description=__doc__)
    parser.add_argument("--forget", action="store_true", help="delete the images of earlier runs, and end")
    parser.add_argument("command", nargs="*", help="in place of the tests")
    arguments = parser.parse_args()
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        tell("This needs root on Debian: it installs a container engine from packages.")
        return 1
    try:
        tell("packages")
        if new := install():
            tell(f"installed {' '.join(new)}")
        with serving(_FOLDER) as engine:
            if arguments.forget:
                engine.podman("rmi", "--all", "--force")
                return 0
            return _on(engine, arguments.command)
    except (CommandError, subprocess.TimeoutExpired, OSError) as failure:
        tell(f"failed: {failure}")
        return 1
    except KeyboardInterrupt:
        tell("given up; nothing was left running")
        return _INTERRUPTED
    finally:
        tell(f"done; images are kept in {_FOLDER}")


def tell(what: str) -> None:
    """One line of progress, with the seconds since the start."""
    sys.stdout.write(f"{time.monotonic() - _started:6.1f} s  {what}\n")
    sys.stdout.flush()


def _on(engine: Engine, command: list[str]) -> int:
    build_standins(engine, tell)
    build_images(engine, tell)
    words = command or _TESTS
    tell(f"on the engine: {' '.join(Path(word).name for word in words)}")
    environment = {**os.environ, **engine.environment}
    return subprocess.run(words, cwd=ROOT, env=environment, check=False).returncode  # noqa: S603 ours, or asked for


if __name__ == "__main__":
    sys.exit(main())
