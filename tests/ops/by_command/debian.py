"""Prometheus and promtool of Debian's package, unpacked into a folder: nothing is installed, nothing is started."""

import shutil
import subprocess
from pathlib import Path

_SECONDS = 300


class NotToBeHadError(RuntimeError):
    """No promtool on the PATH, and no Debian to take one from."""


def unpacked(folder: Path) -> Path:
    """The folder that holds `prometheus` and `promtool`. Raises NotToBeHadError."""
    found = shutil.which("promtool")
    if found is not None and shutil.which("prometheus") is not None:
        return Path(found).parent
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise NotToBeHadError("put prometheus and promtool on the PATH, or use a Debian machine")
    for words in (["apt-get", "update", "-q"], ["apt-get", "download", "-q", "prometheus"]):
        _run(words, folder)
    (package,) = folder.glob("prometheus_*.deb")
    _run(["dpkg", "-x", package.name, "."], folder)
    return folder / "usr" / "bin"


def _run(words: list[str], folder: Path) -> None:
    ran = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False)  # noqa: S603 fixed words
    if ran.returncode != 0:
        raise NotToBeHadError(f"{' '.join(words)}: {ran.stderr[-500:]}")
