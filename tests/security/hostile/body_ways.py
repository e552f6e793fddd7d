"""What may be wrong with the JSON of a message: its structure, types, sizes and chain."""

# JSON of any shape: isinstance() of an Any leaves its members unknown to the type checker.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import json
from random import Random
from typing import Any

from tests.security.hostile.draft import Draft, any_node, nodes

# structure


def lose_a_member(draft: Draft, random: Random) -> None:
    container, name = any_node(draft, random)
    del container[name]


def rename_a_member(draft: Draft, random: Random) -> None:
    container, name = any_node(draft, random)
    if isinstance(container, dict):
        container[random.choice((name.upper(), f"{name} ", "", "\0", "__proto__", "steps"))] = container.pop(
            name
        )


def add_an_unknown_member(draft: Draft, random: Random) -> None:
    if isinstance(draft.body, dict):
        draft.body[f"unknown_{random.randint(0, 9)}"] = random.choice((None, 1, "text", [1], {"a": {}}))


def tell_a_member_twice(draft: Draft, random: Random) -> None:
    names = [name for container, name in nodes(draft.body) if container is draft.body]
    if names and isinstance(draft.body, dict):
        twice = f"{json.dumps(random.choice(names))}: null, ".encode()
        draft.edits.append(lambda octets: octets.replace(b"{", b"{" + twice, 1))


def swap_two_members(draft: Draft, random: Random) -> None:
    container, name = any_node(draft, random)
    other, place = any_node(draft, random)
    if container is other:
        container[name], container[place] = container[place], container[name]


def be_something_else_than_an_object(draft: Draft, random: Random) -> None:
    draft.body = random.choice(([], [draft.body], "text", 0, None, True, ""))


def nest_deeply(draft: Draft, random: Random) -> None:
    opening, depth = random.choice((b"[", b'{"a":')), random.choice((500, 5_000, 50_000))
    draft.edits.append(lambda octets: octets[:-1] + b', "deep": ' + opening * depth)


# types


def be_of_another_type(draft: Draft, random: Random) -> None:
    container, name = any_node(draft, random)
    container[name] = random.choice(
        (
            None,
            True,
            False,
            0,
            -1,
            1.5,
            1e308,
            10**30,
            "",
            "text",
            [],
            {},
            [[]],
            {"": None},
            "\ud800",
            "\0",
            "0" * 64,
        )
    )


def hold_a_number_beyond_all(draft: Draft, random: Random) -> None:
    container, name = any_node(draft, random)
    container[name] = 123454321
    number = random.choice(
        (b"9" * 5_000, b"-0", b"1e999", b"NaN", b"-Infinity", b"0x10", b"01", b"1.", b"18446744073709551616")
    )
    draft.edits.append(lambda octets: octets.replace(b"123454321", number))


def tell_an_odd_instant(draft: Draft, random: Random) -> None:
    for container, name in [*nodes(draft.body)]:
        if isinstance(name, str) and (name == "at" or name.endswith("_at")):
            container[name] = random.choice(
                (
                    "9999-12-31T23:59:59-12:00",
                    "0001-01-01T00:00:00+14:00",
                    "2026-02-30T00:00:00Z",
                    "2026-01-01",
                    "",
                    0,
                    10**18,
                )
            )


# sizes


def be_long_in_one_place(draft: Draft, random: Random) -> None:
    container, name = any_node(draft, random)
    container[name] = random.choice("xé水💧") * random.choice((70, 300, 5_000, 9_000))


def be_larger_than_the_topic_takes(draft: Draft, random: Random) -> None:
    size = draft.topic.bytes_max + random.choice((-2_000, 1, 50_000))
    draft.edits.append(lambda octets: octets[:-1] + b', "pad": "' + b"x" * size + b'"}')


def hold_many(draft: Draft, random: Random) -> None:
    container, name = any_node(draft, random)
    count = random.choice((51, 300, 3_000))
    container[name] = random.choice(([0] * count, {f"m{n}": n for n in range(count)}, [container[name]] * 60))


# chains


def _chain_of(draft: Draft) -> list[Any]:
    found: Any = draft.body.get("chain") if isinstance(draft.body, dict) else None
    return found if isinstance(found, list) and found else [{}]


def _steps_of(draft: Draft) -> list[Any]:
    found: Any = draft.body.get("steps") if isinstance(draft.body, dict) else None
    return found if isinstance(found, list) and found else [""]


def skip_a_step(draft: Draft, random: Random) -> None:
    chain, steps = _chain_of(draft), _steps_of(draft)
    place = random.randrange(len(steps))
    del steps[place]
    if place < len(chain):
        del chain[place]


def repeat_a_step(draft: Draft, random: Random) -> None:
    for told in random.choice(((_chain_of,), (_steps_of,), (_chain_of, _steps_of))):
        told(draft).append(told(draft)[0])


def turn_the_steps_round(draft: Draft, random: Random) -> None:
    for told in random.choice(((_chain_of,), (_steps_of,), (_chain_of, _steps_of))):
        told(draft).reverse()


def take_anothers_history(draft: Draft, random: Random) -> None:
    for name in random.choice(
        (("chain",), ("steps",), ("chain", "steps"), ("prev",), ("proof",), ("record",), ("envelope",))
    ):
        if isinstance(draft.body, dict) and name in draft.body and name in draft.other:
            draft.body[name] = draft.other[name]


def change_a_word_of_the_past(draft: Draft, random: Random) -> None:
    steps = _steps_of(draft)
    place = random.randrange(len(steps))
    if isinstance(steps[place], str):
        steps[place] = steps[place].replace(
            *random.choice((("person", "Person"), ('"', "'"), ("a", "b"), ("}", ', "more": 1}')))
        )


def change_a_link(draft: Draft, random: Random) -> None:
    link = random.choice(_chain_of(draft))
    if isinstance(link, dict) and link:
        name = random.choice([*link])
        link[name] = random.choice(
            ("", "A" * 88, "0" * 64, None, {"maturity": "live"}, "request", "person:olga")
        )


def have_no_history(draft: Draft, random: Random) -> None:
    if isinstance(draft.body, dict):
        draft.body |= random.choice(
            ({"chain": [], "steps": []}, {"chain": []}, {"prev": None}, {"steps": ["{}"] * 400})
        )
