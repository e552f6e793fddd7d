"""What the tests do at the verifier, as anybody with files may."""

from collections.abc import Mapping

from playwright.sync_api import FilePayload, Page, expect


def give(page: Page, files: Mapping[str, bytes]) -> None:
    """Drop files on the page: a bundle, photos, keys."""
    kinds = {True: "application/json", False: "image/jpeg"}
    payloads: list[FilePayload] = [
        {"name": name, "mimeType": kinds[name.endswith(".json")], "buffer": octets}
        for name, octets in files.items()
    ]
    page.set_input_files("#files", payloads)


def verdict(page: Page, words: str, detail: str = "") -> None:
    """The one verdict, as the page tells it in its status region."""
    expect(page.locator("#verdict strong")).to_have_text(words)
    expect(page.locator("#verdict[role=status]")).to_contain_text(detail)
