"""Script in every text field of every form of every service is shown as text, on every page that there is.

In a system of its own: each page is short there, and shows what was typed.
"""

from html import escape

import pytest
from truth_contracts.topics import SERVICES
from truth_local.system import System

from tests.security.http_rights import list_page_routes
from tests.security.script.parsing import Page, weaknesses
from tests.security.script.visiting import Ledger, Place
from tests.security.script.walking import walk_everything

FILES = {"records, GET /verifier/{digest}/{name}", "records, GET /verify.html"}
"""Made before anybody typed anything."""
SHOWN_NOWHERE: set[Place] = {("intake", "requests.submitted", "unknown")}


def test_script_is_shown_as_text_wherever_it_was_typed(own_system: System) -> None:
    routes = {service: list_page_routes(own_system, service) for service in SERVICES}
    ledger = walk_everything(own_system, routes)
    assert ledger.wrong == []
    pages = {
        f"{service}, {route}" for service in SERVICES for route in routes[service] if route.startswith("GET ")
    }
    assert pages - ledger.looked_at - FILES == set()
    typed = set(ledger.typed)
    assert ledger.offered - typed == set()
    assert typed - ledger.shown.keys() == SHOWN_NOWHERE


SCRIPT = Ledger().script("a service", "a page", "a field")
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'"


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(f"<p>{SCRIPT}</p>", id="not escaped"),
        pytest.param(f"<title>{SCRIPT}</title>", id="not escaped in the title"),
        pytest.param(f'<input value="{SCRIPT}">', id="not escaped in an attribute"),
        pytest.param(
            f"<form action='/'><textarea name='x'>{SCRIPT}</textarea></form>", id="not escaped in a field"
        ),
        pytest.param("<script>alert(1)</script>", id="a script in the page"),
        pytest.param(
            '<script src="https://elsewhere.example/kit/x.js"></script>', id="a script from elsewhere"
        ),
        pytest.param("<p onclick=alert(1)>", id="an attribute that runs"),
        pytest.param("<p style='top: 0'>", id="an attribute that draws"),
        pytest.param('<a href=" JavaScript:alert(1)">', id="an address that runs"),
        pytest.param("<iframe src=/x>", id="a page in the page"),
    ],
)
def test_what_would_run_is_seen(source: str) -> None:
    assert Page(source).dangers != []


def test_what_is_escaped_is_no_danger_and_is_read_as_it_was_typed() -> None:
    page = Page(
        f'<script src="/kit/0f/kit.js"></script><title>{escape(SCRIPT)}</title><input value="{escape(SCRIPT)}">'
        f"<form action='/x'><textarea name='y'>\n{escape(SCRIPT)}</textarea><select name='z'>"
        "<option value=''></option><option value='1' selected>one</option></select></form>"
    )
    assert page.dangers == []
    assert [said.strip() for said in page.said].count(SCRIPT) == 3
    assert page.form("/x").values == {"y": SCRIPT, "z": "1"}
    assert page.form("/x").texts == ["y"]


@pytest.mark.parametrize(
    ("policy", "options"),
    [
        pytest.param(POLICY.replace("'none'", "'self'"), "nosniff", id="not closed"),
        pytest.param(POLICY.replace("script-src 'self'", "script-src *"), "nosniff", id="scripts of others"),
        pytest.param(f"{POLICY} 'unsafe-inline'", "nosniff", id="inline"),
        pytest.param(POLICY, "", id="types are guessed"),
    ],
)
def test_a_weak_policy_is_seen(policy: str, options: str) -> None:
    assert weaknesses({"content-security-policy": POLICY, "x-content-type-options": "nosniff"}) == []
    assert weaknesses({"content-security-policy": policy, "x-content-type-options": options}) != []
