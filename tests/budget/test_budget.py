"""What a path costs is agreed on: a dearer one is a visible diff, and so is a cheaper one."""

import difflib
import os

import pytest
from truth_kit.testing import FreshDatabase
from truth_local.system import System

from tests.budget.budgets import EXPECTED, budgets

AGREE = "TRUTH_BUDGETS"
"""Set to `agree` by `make budgets`: what is found is written down as what is expected."""


async def test_a_path_costs_what_was_agreed_on(infrastructure: System, fresh_database: FreshDatabase) -> None:
    found = await budgets(infrastructure, fresh_database)
    if os.environ.get(AGREE) == "agree":
        EXPECTED.write_text(found)
        pytest.skip(f"written to {EXPECTED}")
    expected = EXPECTED.read_text()
    changed = difflib.unified_diff(
        expected.splitlines(), found.splitlines(), "agreed", "found", n=0, lineterm=""
    )
    told = "\n".join(changed)
    assert found == expected, f"costs differ (`make budgets` agrees to them):\n{told}"
