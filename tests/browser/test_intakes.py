"""Who works on requests, in a real browser: the intake page (A4), and what every page must be."""

from uuid import uuid4

import pytest
from playwright.sync_api import expect
from truth_local.demo import upstream
from truth_local.demo.acting import wait_for
from truth_local.system import System
from truth_topology.connection import Login

from tests.browser.asking import KITCHEN, fill, send
from tests.browser.looking import look
from tests.browser.people import Api, People


def test_a4_four_doors_give_intakes_that_differ_in_source_only(
    person: People, api: Api, system: System
) -> None:
    summary = f"Same everywhere {uuid4().hex[:8]}"
    stranger = person(None, "intake", KITCHEN)
    fill(stranger, summary)
    send(stranger)
    operator = person("olga", "intake", "/intakes/new")
    look(operator)
    operator.select_option("[name=surface]", "kitchen-repairs")
    fill(operator, summary)
    operator.click("text=Enter the request")
    expect(operator.locator("h1")).to_have_text("Received. No work has been ordered.")
    members = {
        "surface": "kitchen-repairs",
        "summary": summary,
        "description": "All night long.",
        "requester": {"name": "Rita Ramos"},
        "place": "12 Mill Lane",
    }
    api("acme").post("intake", "/api/requests", members | {"request_key": f"api-{uuid4()}"})
    login = Login(system.bootstrap, "upstream-acme", system.principals["upstream-acme"].password)
    upstream.publish(login, "/upstreams/acme", members | {"request_key": f"kafka-{uuid4()}"})
    operator.goto(f"{system.urls['intake']}/intakes")
    rows = operator.locator("tr", has_text=summary)

    def four() -> bool | None:
        operator.reload()
        return True if rows.count() == 4 else None

    wait_for(four, "four Intakes")
    doors = {rows.nth(number).locator("td:nth-child(3) .chip").inner_text() for number in range(4)}
    assert doors == {"web form", "intake page", "API", "Kafka"}
    assert len({rows.nth(number).locator("td:nth-child(2)").inner_text() for number in range(4)}) == 1
    look(operator)
    rows.first.locator("a").click()
    expect(operator.locator("h1")).to_have_text(summary)
    expect(operator.locator("text=Possibly asked for before")).to_be_visible()
    look(operator)


def test_new_intakes_are_counted_and_not_pushed_into_the_list(person: People, api: Api) -> None:
    operator = person("olga", "intake", "/intakes")
    rows = operator.locator("tbody tr").count()
    first = operator.locator("tbody tr a").first
    first.focus()
    members = {
        "request_key": f"api-{uuid4()}",
        "surface": "kitchen-repairs",
        "summary": "One more",
        "description": "",
        "requester": {"name": "Rita"},
    }
    api("acme").post("intake", "/api/requests", members)
    expect(operator.locator("#new a")).to_have_text("1 new: show")
    assert operator.locator("tbody tr").count() == rows
    expect(first).to_be_focused()


def test_keys_reach_the_search_and_can_be_switched_off(person: People) -> None:
    operator = person("olga", "intake", "/intakes")
    operator.keyboard.press("/")
    expect(operator.locator("#q")).to_be_focused()
    operator.locator("main").focus()
    operator.keyboard.press("?")
    expect(operator.locator("#keys")).to_be_visible()
    look(operator)
    operator.uncheck("#keys-on")
    operator.click("#keys button")
    operator.locator("main").focus()
    operator.keyboard.press("/")
    expect(operator.locator("#q")).not_to_be_focused()


@pytest.mark.parametrize(
    ("name", "path"),
    [("ada", "/surfaces"), ("paul", "/refused"), ("vera", "/intakes?q=nothing"), ("vera", "/refused"), (None, "/track/none")],
)  # fmt: skip
def test_every_other_page_is_readable_for_everybody(person: People, name: str | None, path: str) -> None:
    page = person(name, "intake", path)
    expect(page.locator("h1")).to_be_visible()
    look(page)


def test_the_sign_in_is_readable_for_everybody(person: People, system: System) -> None:
    page = person(None, "intake", "/intakes")
    assert page.url.startswith(f"{system.issuer}/authorize?")
    look(page)


def test_a_form_from_another_port_of_this_host_is_refused(person: People, system: System) -> None:
    """Same site, other origin: the cookie comes along, the form is not taken."""
    page = person("olga", "intake", "/intakes")
    page.goto(f"{system.issuer}/.well-known/openid-configuration")
    page.evaluate(
        """url => {
            const form = document.createElement("form");
            form.method = "post";
            form.action = url + "/sign-out";
            document.body.append(form);
            form.submit();
        }""",
        system.urls["intake"],
    )
    expect(page.locator("h1")).to_have_text("This was sent from another site's page")
    page.goto(f"{system.urls['intake']}/intakes")
    expect(page.locator("h1")).to_have_text("Intakes")
