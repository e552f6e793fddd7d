"""`python -m tests.security`: find out all rights anew and write them down as what is expected.

Read the difference (`git diff tests/security/expected`) before you commit it: each changed word is a right.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from truth_local import ports
from truth_local.starting import start_infrastructure, start_services, stop_all
from truth_local.system import describe
from truth_local.watch import Watch

from tests.security.rights import MATRICES, file_of


def main() -> None:
    """A system of its own, the three matrices, three files."""
    folder = Path(tempfile.mkdtemp(prefix="truth-rights-"))
    system = describe(folder, ports.free())
    try:
        start_infrastructure(system, Watch())
        start_services(system, Watch())
        for name, find_out in MATRICES.items():
            file = file_of(name)
            file.parent.mkdir(exist_ok=True)
            file.write_text(find_out(system))
            sys.stdout.write(f"{file}\n")
    finally:
        stop_all(system, lambda _part, _what: None)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
