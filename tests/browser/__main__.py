"""`make test-browser`: bring a Chromium, then run these tests in it."""

import os
import sys

import pytest

from tests.browser.chromium import SETTING, NoChromiumError, bring


def main(argv: list[str]) -> int:
    """The exit status: pytest's, or 2 when there is no Chromium to be had."""
    try:
        os.environ[SETTING] = str(bring())
    except NoChromiumError as error:
        print(error, file=sys.stderr)  # noqa: T201 a command of its own
        return 2
    return pytest.main(argv or ["tests/browser"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
