"""The plan of a storm: repeatable, varied, and never two faults on one target at once."""

from itertools import pairwise

from tests.faults.chaos.nemesis import KINDS, plan

SECONDS = 180.0
SEEDS = range(100)


def test_a_seed_always_plans_the_same_and_another_seed_something_else() -> None:
    assert plan(7, SECONDS) == plan(7, SECONDS)
    assert plan(7, SECONDS) != plan(8, SECONDS)


def test_every_kind_of_fault_is_planned_and_20_storms_have_400_of_them() -> None:
    assert {fault.kind for seed in SEEDS for fault in plan(seed, SECONDS)} == set(KINDS)
    assert sum(len(plan(seed, SECONDS)) for seed in SEEDS) / len(SEEDS) > 20


def test_a_target_rests_before_it_is_struck_again() -> None:
    for seed in SEEDS:
        planned = plan(seed, SECONDS)
        for target in {fault.target for fault in planned}:
            struck = [fault for fault in planned if fault.target == target]
            assert all(one.at + one.lasts < other.at for one, other in pairwise(struck))


def test_faults_come_while_it_storms() -> None:
    assert all(0 < fault.at < SECONDS for seed in SEEDS for fault in plan(seed, SECONDS))
