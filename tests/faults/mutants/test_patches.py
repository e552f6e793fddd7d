"""Every mutant can be made of this very code: what it takes out is there, exactly once."""

import pytest

from tests.faults.mutants.__main__ import ROOT
from tests.faults.mutants.patches import MUTANTS, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_what_a_mutant_takes_out_is_there_once(mutant: Mutant) -> None:
    found = {patch.old: (ROOT / patch.file).read_text().count(patch.old) for patch in mutant.patches}
    assert found == dict.fromkeys(found, 1)
