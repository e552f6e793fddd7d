"""What every page must be: readable for everybody, whole on a small screen, silent on the console."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page

_AXE = Axe()
_WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
_WIDTHS = (390, 320)
# An answer that says no is a console error to Chromium; the tests look at those answers themselves.
_ANSWERED = "Failed to load resource: the server responded with a status of 4"


def look(page: Page) -> None:
    """Axe finds nothing in light, dark and at 320 px, and nothing is wider than the screen."""
    usual = page.viewport_size
    assert usual is not None
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        _by_axe(page, scheme)
    page.emulate_media(color_scheme="light")
    for width in _WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide[0] <= wide[1], f"{page.url} is {wide[0]} px wide on a screen of {wide[1]}"
    _by_axe(page, "320 px")
    page.set_viewport_size(usual)


def _by_axe(page: Page, what: str) -> None:
    found = _AXE.run(page, options=_WCAG)  # pyright: ignore[reportUnknownMemberType] untyped library
    assert found.violations_count == 0, f"{page.url}, {what}: {found.generate_report()}"


class Ears:
    """What a page says on its console, violations of its policy among it."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.allowed: tuple[str, ...] = (_ANSWERED,)

    def listen(self, page: Page) -> None:
        """Note errors and warnings from now on."""
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.heard.append(f"{page.url}: {error}"))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(self.allowed):
            self.heard.append(f"{message.location.get('url')}: {message.text}")
