"""Values by chance that a contract admits, the same at every run and on every machine.

polyfactory builds them. Its own texts for a pattern depend on the order of Python's sets, and its times on
the present one, so both are made here.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, cast

from polyfactory.factories.pydantic_factory import ModelFactory
from polyfactory.field_meta import FieldMeta
from pydantic import AwareDatetime
from truth_contracts.base import Contract
from truth_contracts.envelope import type_of

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_YEAR_MS = 365 * 24 * 3600 * 1000
_WORDS = (
    "tap",
    "drips",
    "Küche",
    "roof",
    "ridge",
    "12",
    "水",
    "Łódź",
    "—",
    "“quoted”",
    "a/b",
    "🚰",
    "\\n",
    "<b>",
)
_LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789-_.~+@é李"
_HEX = "0123456789abcdef"
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

_PATTERNS: Mapping[str, Callable[[Random], str]] = {
    r"^[0-9a-f]{64}$": lambda chance: _of(chance, _HEX, 64),
    r"^[A-Za-z0-9+/]{22}==$": lambda chance: _of(chance, _BASE64, 22) + "==",
    r"^[^\s]{1,128}$": lambda chance: _of(chance, _LETTERS, chance.randint(1, 128)),
    r"^[^\u0000-\u001f\u007f]{1,64}$": lambda chance: _of(chance, _LETTERS + " ", chance.randint(1, 64)),
    r"^(person|client|upstream|service):[^\s]{1,128}$|^anonymous$": lambda chance: chance.choice(
        ("anonymous", "service:execution", f"person:{_of(chance, _LETTERS, 12)}", "upstream:/upstreams/acme")
    ),
}


def values_of(kind: type[Contract], how_many: int) -> list[Contract]:
    """So many values of a contract, from a seed that is its name and version."""
    chance = Random(f"{type_of(kind)} {kind.VERSION}")  # noqa: S311 reproducible, not secret
    factory = cast("Any", _Factory).create_factory(kind, __random__=chance)
    factory.seed_random(chance.randrange(2**32))
    return [factory.build() for _ in range(how_many)]


class _Factory(ModelFactory[Contract]):
    __is_base_factory__ = True

    @classmethod
    def get_provider_map(cls) -> dict[Any, Callable[[], Any]]:
        return super().get_provider_map() | {
            datetime: cls._instant,
            AwareDatetime: cls._instant,
            str: cls._words,
        }

    @classmethod
    def get_constrained_field_value(
        cls,
        annotation: Any,  # noqa: ANN401 polyfactory's own signature
        field_meta: FieldMeta,
        field_build_parameters: Any = None,  # noqa: ANN401
        build_context: Any = None,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        told = cast("dict[str, Any]", field_meta.constraints or {})
        if annotation is str and told.get("pattern") in _PATTERNS:
            return _PATTERNS[told["pattern"]](cls.__random__)
        if annotation is str:
            shortest, longest = told.get("min_length") or 0, told.get("max_length") or 200
            return cls._words()[:longest].ljust(shortest, "x")
        return super().get_constrained_field_value(
            annotation, field_meta, field_build_parameters, build_context
        )

    @classmethod
    def _instant(cls) -> datetime:
        return _EPOCH + timedelta(milliseconds=cls.__random__.randrange(_YEAR_MS))

    @classmethod
    def _words(cls) -> str:
        return " ".join(cls.__random__.choices(_WORDS, k=cls.__random__.randint(0, 12)))


def _of(chance: Random, letters: Sequence[str], length: int) -> str:
    return "".join(chance.choices(letters, k=length))
