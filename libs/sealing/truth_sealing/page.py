"""The browser's verifier: its modules as a server gives them out, and all of it in one file."""

import base64
import hashlib
import html
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

FOLDER = Path(str(files("truth_sealing"))) / "browser"
"""The modules and styles, for a server to give out beside a page of its own."""
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./(?P<module>[a-z]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function|class|const)", re.MULTILINE)
_CHECK = re.compile(r"^// @ts-check\n", re.MULTILINE)
ENTRY = "page.js"
"""The module that a page loads; the others come by its imports."""
STYLES = ("page.css", "checker.css")

_DOCUMENT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Check a Record</title>
<style>{style}</style>
</head>
<body>
<header class="top"><b>Runtime Truth</b><span class="soft">one file, which works offline</span></header>
<main id="main">
{form}
</main>
<script type="module">{script}</script>
</body>
</html>
"""


def checker(policy: bytes, keys: bytes | None) -> str:
    """The part of a page that `page.js` works on, as HTML; it carries the policy and keys it starts with."""
    return _text("checker.html").replace("data-pinned", pinned(policy, keys), 1)


def pinned(policy: bytes, keys: bytes | None) -> str:
    """The attributes in which a page carries what it checks against."""
    return f'data-policy="{_encoded(policy)}" data-keys="{_encoded(keys or b"")}"'


def script(entry: str = ENTRY) -> str:
    """All modules that `entry` needs, and it, as one: each behind what it imports.

    No module has a name at its top that another has; a browser would refuse the script otherwise.
    """
    return "\n".join(_joinable(module) for module in dict.fromkeys(_needed(entry)))


def single_file(policy: bytes, keys: bytes | None) -> bytes:
    """The whole page in one file: it opens no connection, and its own hashes are all that it lets run."""
    style = "\n" + "".join(map(_text, STYLES))
    code = f"\n{script()}"
    allowed = (
        f"default-src 'none'; script-src '{_hash(code)}'; style-src '{_hash(style)}'; img-src blob:; "
        "form-action 'none'; base-uri 'none'"
    )
    page = _DOCUMENT.format(policy=html.escape(allowed), style=style, form=checker(policy, keys), script=code)
    return page.encode()


def _needed(module: str) -> Iterator[str]:
    for found in _IMPORT.finditer(_text(module)):
        yield from _needed(found["module"])
    yield module


def _joinable(module: str) -> str:
    text = _CHECK.sub(f"// {module}\n", _text(module))
    return _EXPORT.sub("", _IMPORT.sub("", text))


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _encoded(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _hash(text: str) -> str:
    """As Content Security Policy writes it (CSP3 section 2.3.1)."""
    return f"sha256-{_encoded(hashlib.sha256(text.encode()).digest())}"
