"""What the tests do as somebody who asks for work, on the form and the tracker."""

from uuid import uuid4

from playwright.sync_api import Locator, Page, expect

KITCHEN = "/request/kitchen-repairs"


def fill(page: Page, summary: str | None = None) -> str:
    """Fill in the form; what it is about."""
    summary = summary or f"Tap drips {uuid4().hex[:8]}"
    page.fill("[name=summary]", summary)
    page.fill("[name=description]", "All night long.")
    page.fill("[name='requester.name']", "Rita Ramos")
    page.fill("[name=place]", "12 Mill Lane")
    return summary


def send(page: Page) -> str:
    """Send the form and follow the link of the receipt; the reference."""
    page.click("text=Send the request")
    expect(page.locator("h1")).to_have_text("Received. No work has been ordered.")
    reference = page.locator("code.id").inner_text()
    page.click("text=Follow the request")
    return reference


def state(page: Page, name: str) -> Locator:
    """What the path of a page says of a step."""
    return page.locator(f".path li:has(b:text-is('{name}')) span")


def step(page: Page, name: str) -> str:
    """The same, as it is now."""
    return state(page, name).inner_text()
