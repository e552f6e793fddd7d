"""A Chromium to look at pages with: the one that is named, the system's, Playwright's own, else installed now."""

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import sync_playwright

SETTING = "TRUTH_TEST_CHROMIUM"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_SECONDS_MAX = 600


class NoChromiumError(RuntimeError):
    """There is none, and none could be installed."""


def find() -> Path | None:
    """The path of a Chromium that is there."""
    if named := os.environ.get(SETTING):
        return Path(named)
    for name in _NAMES:
        if found := shutil.which(name):
            return Path(found)
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return own if own.exists() else None


def bring() -> Path:
    """The path of a Chromium, installed if there was none; raises NoChromiumError."""
    ways = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        ways.append(["sh", "-c", "apt-get update -q && apt-get install -qy --no-install-recommends chromium"])
    for way in ways:
        if (found := find()) is not None:
            return found
        print(f"No Chromium yet: {' '.join(way)}", flush=True)  # noqa: T201 a command of its own
        with suppress(subprocess.TimeoutExpired):  # the next way may work where this one hangs
            subprocess.run(way, timeout=_SECONDS_MAX, check=False)  # noqa: S603 constants
    if (found := find()) is not None:
        return found
    raise NoChromiumError(
        f"No Chromium: install your system's package, or name one in {SETTING}, and try again."
    )
