"""What people typed into a form: bounded before it is parsed, and kept to be shown again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from fastapi import Request
from truth_contracts.refusals import Refusal

from truth_kit.problems import Refused, uploaded

FORM_BYTES_MAX = 64 * 1024
_FIELDS_MAX = 300
_KIND = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Typed:
    """A form's fields. Reads like a mapping that has every name: what was not sent is empty."""

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    octets: bytes = b""  # as they came

    def __getitem__(self, name: str) -> str:
        """The first value of a field, trimmed; line ends are line feeds."""
        return self.values.get(name, ("",))[0]

    def all(self, name: str) -> tuple[str, ...]:
        """All values of a field."""
        return self.values.get(name, ())


async def typed_in(request: Request, bytes_max: int = FORM_BYTES_MAX) -> Typed:
    """The form that a request brings: 413 when it is too long, 422 when it is none."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    octets = b"".join([chunk async for chunk in uploaded(request, bytes_max)])
    try:
        pairs = parse_qsl(
            octets.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS_MAX
        )
    except ValueError:
        pairs = None
    if kind != _KIND or pairs is None:
        raise Refused(Refusal("body_malformed", "This is not a form that a browser sends."))
    values: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        text = value.replace("\r\n", "\n").replace("\r", "\n").strip()
        values[name] = (*values.get(name, ()), text)
    return Typed(values, octets)
