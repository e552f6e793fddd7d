"""Templates, with the few words and forms that all of them use."""

from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from truth_console.asking import Silence
from truth_console.flow.show import UNKNOWN, number, seconds, standing, waits
from truth_console.page.drawing import boxes, hops
from truth_console.trace.command import is_stuck, words

MENU = (("/", "Topics"), ("/trace", "Trace"), ("/dead", "Dead letters"), ("/invariants", "Invariants"))


def _is_silent(told: object) -> bool:
    return isinstance(told, Silence)


def _clock(at: datetime | None) -> str:
    return UNKNOWN if at is None else f"{at:%H:%M:%S} UTC"


_templates = Environment(
    loader=PackageLoader("truth_console.page"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_WORDS: dict[str, Any] = {
    "menu": MENU,
    "unknown": UNKNOWN,
    "seconds": seconds,
    "number": number,
    "standing": standing,
    "waits": waits,
    "clock": _clock,
    "hops": hops,
    "boxes": boxes,
    "words": words,
    "is_stuck": is_stuck,
    "is_silent": _is_silent,
}
_templates.globals.update(_WORDS)


def rendered(template: str, here: str, **given: object) -> str:
    """The page; everything in it is escaped, and a name that was not given is an error."""
    return _templates.get_template(template).render(here=here, **given)
