"""Five thousand hostile messages through the whole system; `make hostile` sends a hundred thousand."""

from truth_local.system import System

from tests.security.hostile.attack import attack, make_past
from tests.security.hostile.messages import CONSUMED

MESSAGES = 5_000
UNREADABLE = 2
SEED = 20261124


def test_hostile_messages_crash_nothing_stop_nothing_and_are_all_accounted_for(system: System) -> None:
    outcome = attack(system, make_past(system), MESSAGES, SEED, UNREADABLE)
    assert outcome.wrong == []
    account = outcome.account
    assert sum(outcome.sent.values()) == MESSAGES + UNREADABLE
    assert set(outcome.sent) == {topic.name for topic in CONSUMED}
    # Each fate is met, and most of what was broken is seen to be: else the messages would show nothing.
    assert min(account.of("acted on"), account.of("duplicate"), account.of("refused")) > 50
    assert account.of("dead") > MESSAGES // 2
    assert len({code for _, code in account.codes}) >= 8
