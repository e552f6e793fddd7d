"""The five services' pages together: where people begin, and what pages cost a service that nobody looks at."""

import pytest
from playwright.sync_api import expect
from truth_contracts.topics import SERVICES
from truth_local import processes
from truth_local.show import PAGES
from truth_local.system import System

from tests.browser.people import People

_BYTES_MAX = 100 * 1000 * 1000


def test_a_service_with_its_pages_stays_small(system: System) -> None:
    """Proportional memory, as the kernel counts it: what processes share is shared out among them.

    Started anew: what other tests asked of a service before is no part of it.
    """
    found: dict[str, int] = {}
    for service in SERVICES:
        system.stop(f"{service}-1")
        system.start(f"{service}-1")
    for service in SERVICES:
        process = processes.find(system.parts[f"{service}-1"])
        assert process is not None
        found[service] = process.memory_full_info().pss
    print({service: f"{octets / 1e6:.0f} MB" for service, octets in found.items()})  # noqa: T201 shown with -s
    assert max(found.values()) <= _BYTES_MAX, found


@pytest.mark.parametrize(("name", "_what", "service", "path"), PAGES)
def test_each_link_that_make_up_prints_leads_to_a_page(
    person: People, name: str | None, _what: str, service: str, path: str
) -> None:
    page = person(name, service, path)
    expect(page.locator("h1")).to_be_visible()
    assert page.request.get(page.url).ok
