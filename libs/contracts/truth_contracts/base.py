"""What every contract is made of: closed when written, open when read."""

from datetime import UTC, datetime
from functools import cache
from typing import Annotated, ClassVar, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)


class Contract(BaseModel, frozen=True):
    """A message, or a part of one. Unknown members are refused here; `read` drops them.

    Repeat `frozen=True` on every subclass: the type checker takes it for mutable otherwise.
    """

    # Without json_schema_serialization_defaults_required a schema would call `type` optional.
    model_config = ConfigDict(
        extra="forbid", json_schema_serialization_defaults_required=True, use_attribute_docstrings=True
    )

    VERSION: ClassVar[str] = "1.0"
    """`<major>.<minor>` of a contract that is released by itself: an event, a request or a step's body.

    The major also stands in `type`. Any change of what is released needs another minor (README.md).
    """


ContractT = TypeVar("ContractT", bound=Contract)


def read(kind: type[ContractT], octets: bytes) -> ContractT:
    """The `kind` that the JSON `octets` hold, unknown members dropped at any depth.

    A value of another type is refused, never made to fit: pydantic would take true for 1, and "1" too.
    Raises pydantic.ValidationError. Whatever is hashed must be hashed from `octets`, never from the result.
    """
    return _adapter(kind).validate_json(octets, strict=True, extra="ignore")


@cache
def _adapter(kind: type[ContractT]) -> TypeAdapter[ContractT]:
    return TypeAdapter(kind)  # 20 µs to build, as long as reading a message


def instant_text(instant: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SS.sssZ`, always with three digits of milliseconds."""
    utc = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def to_milliseconds(instant: datetime) -> datetime:
    """`instant` in UTC, cut to whole milliseconds; raises ValueError when UTC has no such year."""
    try:
        utc = instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time outside the years 1 to 9999") from error
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000) if utc.microsecond % 1000 else utc


_AWARE: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)


def _read_instant(given: object) -> object:
    # Pydantic would take a number for seconds or milliseconds since 1970, as it sees fit. And it takes a text
    # from JSON only where nobody has looked at it before.
    if isinstance(given, int | float):
        raise ValueError("a time is a text such as 2026-11-24T16:00:00.000Z")
    try:
        return _AWARE.validate_python(given)
    except ValidationError as error:
        raise ValueError(error.errors(include_url=False)[0]["msg"]) from None


Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_read_instant),
    AfterValidator(to_milliseconds),
    PlainSerializer(instant_text, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),  # else only readers' schemas would name it
]
"""A point in time, UTC, in milliseconds."""

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 as 64 lowercase hexadecimal digits."""

Salt = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{22}==$")]
"""16 random bytes in base64."""


def _without_nul(given: str) -> str:
    # Beside the pattern and not in it: with another schema every contract that names an actor would need a
    # new version, for a character that no issuer writes.
    if "\0" in given:
        raise ValueError("a text without U+0000")
    return given


ActorReference = Annotated[
    str,
    StringConstraints(pattern=r"^(person|client|upstream|service):[^\s]{1,128}$|^anonymous$"),
    AfterValidator(_without_nul),
]
"""Who acted: `person:<sub>`, `client:<id>`, `upstream:<source>`, `service:<name>` or `anonymous`.

Opaque, never a name.
"""

Subject = Annotated[str, StringConstraints(pattern=r"^[^\s]{1,128}$"), AfterValidator(_without_nul)]
"""Who a token speaks for, as its issuer wrote it. Opaque, never a name."""

ForeignId = Annotated[str, StringConstraints(pattern=r"^[^\u0000-\u001f\u007f]{1,64}$")]
"""An id that somebody else chose."""


def text(*, longest: int, shortest: int = 0) -> StringConstraints:
    """Constraints of a text in characters. U+0000 is refused, since PostgreSQL cannot keep it."""
    return StringConstraints(min_length=shortest, max_length=longest, pattern=r"^[^\u0000]*$")
