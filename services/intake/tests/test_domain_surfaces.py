"""The rules about surfaces: versions, stages, what is no change."""

from typing import Any

import pytest
from truth_contracts.refusals import Refusal
from truth_contracts.steps import Stage
from truth_intake.domain.surface import RegisterSurface, Surface, register_surface

from services.intake.tests.builders import (
    NOW,
    surface,
)


def refused(verdict: object) -> Refusal:
    assert isinstance(verdict, Refusal), verdict
    return verdict


def command(**changes: Any) -> RegisterSurface:
    members: dict[str, Any] = {"title": "Kitchen repairs", "maturity": "live", "stages": surface().stages}
    return RegisterSurface.model_validate(members | changes)


def test_a_first_registration_is_version_1() -> None:
    assert register_surface("kitchen-repairs", None, command(), "person:ada", NOW) == surface()


def test_the_same_again_is_no_new_version() -> None:
    assert register_surface("kitchen-repairs", surface(), command(), "person:amir", NOW) == surface()


@pytest.mark.parametrize("changes", [{"title": "Kitchens"}, {"maturity": "planned"}, {"stages": ()}])
def test_a_change_is_a_new_version_with_who_made_it(changes: dict[str, Any]) -> None:
    registered = register_surface("kitchen-repairs", surface(), command(**changes), "person:amir", NOW)
    assert isinstance(registered, Surface)
    assert (registered.version, registered.registered_by) == (2, "person:amir")


@pytest.mark.parametrize("names", [("inspect", "inspect"), ("a\nb",), ("a\x7f",)])
def test_stages_need_distinct_plain_names(names: tuple[str, ...]) -> None:
    stages = tuple(Stage(name=name, evidence_required=False) for name in names)
    refusal = refused(register_surface("s", None, command(stages=stages), "person:ada", NOW))
    assert (refusal.code, refusal.field) == ("body_invalid", "stages")
