"""The form is drawn from the contract, and what is typed becomes members of it. Pure."""

import pytest
from truth_contracts.requests import RequestSubmitted
from truth_intake.pages.form import FIELDS, FormField, members_of, submitted_by
from truth_kit.pages import Typed


def typed(**fields: str) -> Typed:
    return Typed({name.replace("__", "."): (text,) for name, text in fields.items()})


def test_every_text_of_the_contract_that_people_write_is_a_field() -> None:
    assert {field.name for field in FIELDS} == {
        "summary",
        "description",
        "requester.name",
        "requester.contact",
        "place",
        "wanted_by",
    }


@pytest.mark.parametrize(
    "field",
    [
        FormField("summary", "Summary", "text", True, 200),
        FormField("description", "Description", "textarea", False, 8000),
        FormField("requester.name", "Name", "text", True, 200),
        FormField("requester.contact", "Contact", "text", False, 200),
        FormField("wanted_by", "Wanted by", "date", False, None),
    ],
    ids=lambda field: field.name,
)
def test_a_field_is_as_the_schema_says(field: FormField) -> None:
    assert field in FIELDS


def test_what_is_typed_becomes_members_and_what_is_empty_is_left_out() -> None:
    given = typed(summary="Tap drips", requester__name="Rita", place="", wanted_by="2026-12-01")
    members = members_of(given)
    assert members == {
        "summary": "Tap drips",
        "description": "",
        "requester": {"name": "Rita"},
        "wanted_by": "2026-12-01T23:59:59Z",
    }
    submitted = submitted_by(members | {"request_key": "k", "surface": "s"})
    assert isinstance(submitted, RequestSubmitted)
    assert submitted.wanted_by is not None


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        pytest.param({"summary": ""}, {("summary", "missing")}, id="nothing"),
        pytest.param({"summary": "x" * 201}, {("summary", "string_too_long")}, id="too long"),
        pytest.param({"requester__name": ""}, {("requester.name", "missing")}, id="no name"),
        pytest.param({"wanted_by": "soon"}, {("wanted_by", "value_error")}, id="no day"),
        pytest.param({"wanted_by": "2026-02-30"}, {("wanted_by", "value_error")}, id="a day that never is"),
        pytest.param({"place": "a\0b"}, {("place", "string_pattern_mismatch")}, id="a NUL"),
        pytest.param(
            {"summary": "", "requester__name": ""},
            {("summary", "missing"), ("requester.name", "missing")},
            id="all at once",
        ),
    ],
)
def test_everything_that_is_wrong_is_told(changes: dict[str, str], wrong: set[tuple[str, str]]) -> None:
    members = members_of(typed(**({"summary": "Tap", "requester__name": "Rita"} | changes)))
    errors = submitted_by(members | {"request_key": "k", "surface": "s"})
    assert isinstance(errors, list)
    assert {(error.field, error.kind) for error in errors} == wrong
