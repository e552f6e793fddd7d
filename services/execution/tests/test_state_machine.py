"""Whatever is commanded in whatever order: one ServiceEvent on a claimed Job, one completion, a whole path."""

# ruff: noqa: D102 the rules' names say what they do

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from truth_contracts.ids import ServiceEventId
from truth_contracts.jobs import JobChanged
from truth_contracts.refusals import Refusal
from truth_contracts.service_events import ServiceEventChanged
from truth_execution.domain.claim import Claim, HandJobBack, claim, hand_back
from truth_execution.domain.completion import Complete, complete, evidence_missing
from truth_execution.domain.service_event import (
    AttachEvidence,
    CompleteStage,
    Start,
    WriteNote,
    attach_evidence,
    complete_stage,
    start,
    write_note,
)
from truth_execution.domain.work import JobState, Move, ServiceEventState
from truth_kit.fresh import new_id
from truth_sealing.steps import STEPS, check_hand_off, hand_off

from services.execution.tests.making import KEYS, STAGES, blob, command_id, occasion, queued, sealed

WHO = st.sampled_from(["olga", "olga", "olga", "otto"])
STAGE = st.sampled_from([None, *(stage.name for stage in STAGES), "paint"])
DIGEST = st.sampled_from(["a" * 64, "b" * 64, "c" * 64])
OUTCOME = st.sampled_from(["fulfilled", "partially_fulfilled", "not_fulfilled"])


class WorkMachine(RuleBasedStateMachine):
    """A Job and its ServiceEvent as the API would treat them."""

    def __init__(self) -> None:
        super().__init__()
        self.work = queued()
        self.told: list[JobChanged | ServiceEventChanged] = []
        self.completions = 0

    @rule(who=WHO)
    def claim(self, who: str) -> None:
        self._carry_out(claim(self.work, Claim(command_id=command_id()), occasion(who)), who)

    @rule(who=WHO)
    def hand_back(self, who: str) -> None:
        command = HandJobBack(command_id=command_id(), reason="No.")
        self._carry_out(hand_back(self.work, command, occasion(who)), who)

    @rule(who=WHO)
    def start(self, who: str) -> None:
        event_id = ServiceEventId(new_id())
        self._carry_out(start(self.work, Start(command_id=command_id()), occasion(who), event_id), who)

    @rule(who=WHO, name=STAGE)
    def stage(self, who: str, name: str | None) -> None:
        command = CompleteStage(command_id=command_id(), name=name or "inspect")
        self._carry_out(complete_stage(self.work, command, occasion(who)), who)

    @rule(who=WHO, stage=STAGE)
    def note(self, who: str, stage: str | None) -> None:
        command = WriteNote(command_id=command_id(), text="Done.", stage=stage)
        self._carry_out(write_note(self.work, command, occasion(who)), who)

    @rule(who=WHO, stage=STAGE, sha256=DIGEST, is_known=st.booleans())
    def attach(self, who: str, stage: str | None, sha256: str, is_known: bool) -> None:
        command = AttachEvidence(command_id=command_id(), sha256=sha256, stage=stage, origin="captured")
        known = blob(sha256) if is_known else None
        self._carry_out(attach_evidence(self.work, command, known, occasion(who)), who)

    @rule(who=WHO, outcome=OUTCOME, chance=st.integers(0, 3))
    def complete(self, who: str, outcome: str, chance: int) -> None:
        if chance == 0:  # else every run would end here
            command = Complete.model_validate({"command_id": command_id(), "outcome": outcome})
            self._carry_out(complete(self.work, command, occasion(who)), who)

    @invariant()
    def the_states_fit(self) -> None:
        job, one = self.work.job, self.work.service_event
        assert (job.claimed_by is None) == (job.state is JobState.QUEUED)
        assert job.claimed_by in (None, "person:olga")
        if one is not None:
            assert job.state is not JobState.QUEUED
            assert (one.state is ServiceEventState.COMPLETED) == (job.state is JobState.CLOSED)
            assert (one.outcome is not None) == (one.state is ServiceEventState.COMPLETED)
            is_touched = bool(one.stages or one.notes or one.evidence)
            assert is_touched or one.state is not ServiceEventState.IN_PROGRESS
            assert not is_touched or one.state is not ServiceEventState.STARTED
        else:
            assert job.state is not JobState.CLOSED
        assert self.completions == (job.state is JobState.CLOSED)

    @invariant()
    def fulfilled_has_all_required_evidence(self) -> None:
        one = self.work.service_event
        if one is not None and one.outcome == "fulfilled":
            assert evidence_missing(STAGES, one.evidence) == one.evidence_missing == ()

    @invariant()
    def versions_have_no_gap(self) -> None:
        jobs = [told.version for told in self.told if isinstance(told, JobChanged)]
        service_events = [told.version for told in self.told if isinstance(told, ServiceEventChanged)]
        assert jobs == list(range(2, 2 + len(jobs)))  # queued was told before
        assert service_events == list(range(1, 1 + len(service_events)))

    @invariant()
    def the_path_is_whole(self) -> None:
        history = self.work.job.history
        expected = {JobState.QUEUED: 5, JobState.CLAIMED: 6, JobState.CLOSED: 7}[self.work.job.state]
        assert len(history.steps) == expected
        assert check_hand_off(hand_off(history), STEPS[expected - 1], KEYS, every_signature=True) is None

    def _carry_out(self, outcome: Move | Refusal, who: str) -> None:
        if isinstance(outcome, Move):
            assert who == "olga"
            assert self.work.job.state is not JobState.CLOSED
            self.work = sealed(outcome)
            self.told += outcome.told
            self.completions += outcome.work.job.state is JobState.CLOSED


WorkMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
test_any_order_of_commands = WorkMachine.TestCase
