"""A page as a parser sees it: its forms, what it says, and what in it could run."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import MappingProxyType

Attributes = Mapping[str, str]

_OWN_SCRIPT = re.compile(r"/(kit|static|verifier)/[\w./-]+\.js")
_RUNS = re.compile(r"\s*(javascript|data|vbscript):", re.IGNORECASE)
_ADDRESSES = {"href", "src", "action", "formaction", "xlink:href", "data", "srcdoc"}
_NOT_TYPED = {"hidden", "checkbox", "radio", "file", "submit"}


@dataclass(slots=True)
class Form:
    """A form as it is sent by somebody who changes nothing, and which of its fields take text."""

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict[str, str])
    texts: list[str] = field(default_factory=list[str])


class Page(HTMLParser):
    """One page, or a fragment of one."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.live: list[str] = []
        """Addresses of streams that redraw a part of it."""
        self.said: list[str] = []
        """Texts, and values of attributes."""
        self.dangers: list[str] = []
        """What would run, or could be made to."""
        self._inside: list[str] = []
        self._attributes: Attributes = MappingProxyType({})
        self._choice = ""
        self.feed(source)
        self.close()

    def form(self, action: str) -> Form:
        """The first with this action. Raises LookupError when the page has none."""
        for form in self.forms:
            if form.action == action:
                return form
        raise LookupError(f"no form of {action} among {[form.action for form in self.forms]}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take an element in."""
        self._inside.append(tag)
        self._attributes = {name: value or "" for name, value in attrs}
        self.said.extend(self._attributes.values())
        self.dangers.extend(_dangers(tag, self._attributes))
        if address := self._attributes.get("hx-sse:connect"):
            self.live.append(address)
        if tag == "form":
            self.forms.append(Form(self._attributes["action"], self._attributes.get("method", "get")))
        elif self.forms and "form" in self._inside:
            self._take_field(tag, self.forms[-1])

    def handle_endtag(self, tag: str) -> None:
        """Leave an element, and those in it that have no end of their own."""
        while tag in self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Take a text in."""
        self.said.append(data)
        here = self._inside[-1] if self._inside else ""
        if here == "script" and data.strip():
            self.dangers.append(f"a script in the page: {data[:80]}")
        if here == "textarea" and self.forms:
            # As browsers read it: the line end after the tag is none of the text.
            self.forms[-1].values[self._attributes["name"]] = data.removeprefix("\n")

    def _take_field(self, tag: str, form: Form) -> None:
        given = self._attributes
        name, kind = given.get("name", ""), given.get("type", "text")
        if tag == "select":
            self._choice = name
        elif tag == "option" and ("selected" in given or self._choice not in form.values):
            form.values[self._choice] = given["value"]
        elif name and (tag == "textarea" or (tag == "input" and kind not in _NOT_TYPED)):
            form.texts.append(name)
            form.values[name] = given.get("value", "")
        elif name and tag == "input" and (kind == "hidden" or "checked" in given):
            form.values[name] = given.get("value", "")


def _dangers(tag: str, attributes: Attributes) -> Iterable[str]:
    told = f"<{tag} {dict(attributes)}>"
    if tag == "script" and not _OWN_SCRIPT.fullmatch(attributes.get("src", "")):
        yield f"a script that is none of ours: {told}"
    if tag in ("evil", "iframe", "object", "embed", "base"):
        yield f"an element that no page of ours has: {told}"
    for name, value in attributes.items():
        if name.startswith("on") or name == "style":
            yield f"an attribute that runs or draws: {told}"
        if name in _ADDRESSES and _RUNS.match(value):
            yield f"an address that runs: {told}"


def first_event(lines: Iterable[str]) -> str:
    """The fragment that a stream begins with."""
    drawn: list[str] = []
    for line in lines:
        if not line and drawn:
            break
        if line.startswith("data:"):
            drawn.append(line.removeprefix("data:").removeprefix(" "))
    return "\n".join(drawn)


def weaknesses(headers: Mapping[str, str]) -> Sequence[str]:
    """What an answer's headers lack that keeps foreign code out."""
    policy: dict[str, str] = {}
    for part in headers["content-security-policy"].split(";"):
        directive, _, allowed = part.strip().partition(" ")
        policy[directive] = allowed
    found = [told for told in policy.items() if "unsafe" in told[1] or "*" in told[1]]
    if policy.get("default-src") != "'none'" or policy.get("script-src", "'self'") != "'self'":
        found.append(("scripts of others", str(policy)))
    if headers.get("x-content-type-options") != "nosniff":
        found.append(("types are guessed", ""))
    return [" ".join(told) for told in found]
