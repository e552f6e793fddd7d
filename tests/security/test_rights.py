"""Nobody may do more, or less, than is written down."""

import difflib

import pytest
from truth_local.system import System

from tests.security.rights import MATRICES, file_of


@pytest.mark.parametrize("name", MATRICES)
def test_everybody_may_do_what_is_written_down_and_nothing_else(name: str, system: System) -> None:
    expected, found = file_of(name).read_text(), MATRICES[name](system)
    changed = difflib.unified_diff(
        expected.splitlines(), found.splitlines(), "expected", "found", n=0, lineterm=""
    )
    told = "\n".join(changed)
    assert found == expected, f"rights differ (`make rights` writes them down anew):\n{told}"
