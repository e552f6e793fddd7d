"""Whatever is submitted through whatever door in whatever order: one Intake a key, whole, and never a planned one."""

# ruff: noqa: D102 the rules' names say what they do

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from truth_contracts.refusals import Refusal
from truth_contracts.steps import Maturity
from truth_intake.domain.intake import Accepted, KnownIntakes, Repeated, Sealed, accept, seal
from truth_intake.domain.submission import Key
from truth_intake.domain.surface import RegisterSurface, Surface, register_surface
from truth_sealing.steps import check_hand_off, hand_off

from services.intake.tests.builders import KEYS, NOW, SIGNER, SOURCE, fresh, submission

SOURCES = st.sampled_from([SOURCE, "/form/kitchen-repairs"])
KEY = st.sampled_from(["a", "b", "c"])
EVENT_ID = st.sampled_from(["e-1", "e-2", "e-3", "e-4"])
WORDS = st.sampled_from(["Tap drips", "Roof leaks"])
MATURITY = st.sampled_from(["planned", "partial", "live"])
TITLE = st.sampled_from(["Kitchen repairs", "Kitchens"])


class IntakeMachine(RuleBasedStateMachine):
    """Intake's door as consumer and API treat it: what is accepted is known to all that come later."""

    def __init__(self) -> None:
        super().__init__()
        self.known = KnownIntakes(())
        self.surface: Surface | None = None
        self.versions: list[Surface] = []
        self.sealed: dict[Key, Sealed] = {}

    @rule(title=TITLE, maturity=MATURITY)
    def register(self, title: str, maturity: Maturity) -> None:
        command = RegisterSurface(title=title, maturity=maturity, stages=())
        registered = register_surface("kitchen-repairs", self.surface, command, "person:ada", NOW)
        assert isinstance(registered, Surface)
        if registered is not self.surface:
            self.versions.append(registered)
        self.surface = registered

    @rule(source=SOURCES, key=KEY, event_id=EVENT_ID, summary=WORDS)
    def submit(self, source: str, key: str, event_id: str, summary: str) -> None:
        one = submission(source=source, event_id=event_id, request_key=key, summary=summary)
        standing = self.known.standing(one, self.surface)
        before = self.sealed.get(one.key)
        match accept(one, standing, fresh()):
            case Accepted() as accepted:
                assert before is None
                assert self.surface is not None
                assert self.surface.maturity != "planned"
                self.known.add(accepted.known)
                self.sealed[one.key] = seal(accepted, SIGNER)
            case Repeated(intake=intake):
                assert before is not None
                assert intake == before.accepted.known
                assert intake.content_sha256 == one.content_sha256
            case Refusal(code=code):
                self._check_refused(code, summary, before, event_id)

    def _check_refused(self, code: str, summary: str, before: Sealed | None, event_id: str) -> None:
        match code:
            case "request_key_reused" if before is not None:
                assert before.accepted.submission.submitted.summary != summary
            case "request_key_reused":
                assert event_id in {sealed.accepted.submission.event_id for sealed in self.sealed.values()}
            case "surface_unknown":
                assert self.surface is None
            case _:
                assert code == "surface_planned"
                assert self.surface is not None
                assert self.surface.maturity == "planned"

    @invariant()
    def an_event_made_one_intake(self) -> None:
        events = [
            (one.accepted.submission.key[0], one.accepted.submission.event_id) for one in self.sealed.values()
        ]
        assert len(events) == len(set(events))
        assert len({one.event.event_id for one in self.sealed.values()}) == len(events)

    @invariant()
    def the_maturity_is_that_of_the_version_in_force_then(self) -> None:
        for one in self.sealed.values():
            in_force = self.versions[one.accepted.surface.version - 1]
            assert one.event.maturity == in_force.maturity == one.accepted.known.maturity

    @invariant()
    def each_hand_off_is_whole(self) -> None:
        for one in list(self.sealed.values())[-1:]:  # the others were looked at before
            assert check_hand_off(hand_off(one.history), "intake", KEYS, every_signature=True) is None

    @invariant()
    def versions_have_no_gap(self) -> None:
        assert [one.version for one in self.versions] == list(range(1, len(self.versions) + 1))


IntakeMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
test_any_order_of_submissions = IntakeMachine.TestCase
