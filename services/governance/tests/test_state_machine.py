"""Whatever is commanded in whatever order: no Job without review, never a second one, and the path stays whole."""

# ruff: noqa: D102 the rules' names say what they do

from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from truth_contracts.ids import JobId
from truth_contracts.refusals import Refusal
from truth_governance.domain.assignment import Assign, assign
from truth_governance.domain.commanding import Person, first_answer
from truth_governance.domain.create_job import CreateJob, Creation, Known, Promotion, create_job
from truth_governance.domain.opening import take_answer
from truth_governance.domain.preparation import Preparation, PrepareJob, prepare_job
from truth_governance.domain.questions import questions_of
from truth_governance.domain.review import Approve, Ask, Decline, approve, ask, decline
from truth_governance.domain.task import Move, Task, TaskState
from truth_kit.fresh import new_id
from truth_sealing.steps import STEPS, check_hand_off, hand_off

from services.governance.tests.making import (
    ADA,
    AMIR,
    KEYS,
    NOW,
    OLGA,
    OTTO,
    PROVING,
    answered,
    carried,
    occasion,
    opened,
    operator,
)

PEOPLE = st.sampled_from([ADA, AMIR, OLGA, OTTO])
ADMINS = st.sampled_from([ADA, AMIR])
OPERATORS = st.sampled_from([OLGA, OTTO])


class TaskMachine(RuleBasedStateMachine):
    """A Task as the API would treat it: stale commands are sorted out first, then the decision is carried out."""

    def __init__(self) -> None:
        super().__init__()
        self.task: Task = opened()
        self.creation: Creation | None = None
        self.prepared: list[Preparation] = []
        self.now: datetime = NOW

    @initialize(entered_by=st.sampled_from(["client:acme", "person:ada"]))
    def open(self, entered_by: str) -> None:
        self.task = opened(actor=entered_by)

    @rule(minutes=st.integers(1, 6))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(person=ADMINS, back=st.integers(0, 2))
    def approve(self, person: Person, back: int) -> None:
        command = Approve(version=self.task.version - back)
        if first_answer(self.task, command, person.reference) is None:
            self._carry_out(approve(self.task, command, occasion(person, self.now)))

    @rule(person=ADMINS, chance=st.integers(0, 3))
    def decline(self, person: Person, chance: int) -> None:
        command = Decline(version=self.task.version, code="other", reason="No.")
        if chance == 0:  # else every run would end here
            self._carry_out(decline(self.task, command, occasion(person, self.now), is_known=False))

    @rule(person=ADMINS)
    def ask(self, person: Person) -> None:
        command = Ask(version=self.task.version, question="Which?")
        self._carry_out(ask(self.task, command, occasion(person, self.now)))

    @rule(back=st.integers(-1, 2))
    def answer(self, back: int) -> None:
        event = answered(self.task.request_id, max(1, self.task.version - back))
        self._carry_out(take_answer(self.task, event, self.now))

    @rule(person=ADMINS, to=OPERATORS, is_active=st.booleans())
    def assign(self, person: Person, to: Person, is_active: bool) -> None:
        command = Assign(version=self.task.version, operator_id=to.subject)
        to_whom = operator(to, is_active=is_active)
        self._carry_out(assign(self.task, to_whom, command, occasion(person, self.now)))

    @rule(person=PEOPLE)
    def prepare(self, person: Person) -> None:
        command = PrepareJob(version=self.task.version)
        outcome = prepare_job(self.task, operator(), command, occasion(person, self.now), JobId(new_id()))
        if isinstance(outcome, Preparation):
            assert self.task.state is TaskState.ASSIGNED
            self.prepared.append(outcome)

    @rule(person=PEOPLE, which=st.integers(0, 3))
    def create(self, person: Person, which: int) -> None:
        if not self.prepared:
            return
        preparation = self.prepared[-1 - which % len(self.prepared)]
        command = CreateJob(digest=preparation.digest)
        known = Known(self.creation, preparation, operator())
        outcome = create_job(self.task, known, command, occasion(person, self.now), PROVING)
        match outcome:
            case Promotion():
                assert self.creation is None
                assert preparation.job.prepared_by == person.reference
                assert person.is_admin or person.subject == self.task.operator_id
                assert self.now <= preparation.expires_at
                self.creation, self.task = outcome.creation, carried(outcome)
            case Creation():
                assert outcome == self.creation
            case Refusal():
                pass

    @invariant()
    def the_log_is_the_truth(self) -> None:
        versions = [decision.version for decision in self.task.decisions]
        assert versions == list(range(1, len(versions) + 1))
        assert all(question.question for question in questions_of(self.task.decisions))

    @invariant()
    def a_job_was_approved_and_assigned_by_others_than_its_requester(self) -> None:
        assert (self.task.state is TaskState.PROMOTED) == (self.creation is not None)
        commands = [decision.command for decision in self.task.decisions]
        if self.creation is not None:
            assert commands.index("approve") < commands.index("assign") < commands.index("create_job")
            assert commands.count("create_job") == 1
        assert self.task.approved_by not in (self.task.requested_by, self.task.requested_for) or (
            self.task.approved_by is None
        )

    @invariant()
    def the_path_is_whole(self) -> None:
        last = STEPS[len(self.task.history.steps) - 1]
        assert check_hand_off(hand_off(self.task.history), last, KEYS, every_signature=True) is None

    def _carry_out(self, outcome: Move | Refusal | None) -> None:
        if isinstance(outcome, Move):
            assert self.task.state not in (TaskState.PROMOTED, TaskState.DECLINED)
            self.task = carried(outcome)


TaskMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
test_any_order_of_commands = TaskMachine.TestCase
