"""What may be wrong with the octets of a message and with what stands around them: headers and key."""

# JSON of any shape: isinstance() of an Any leaves its members unknown to the type checker.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import gzip
from random import Random

from truth_contracts.topics import REQUESTS_SUBMITTED

from tests.security.hostile.draft import Draft, Json, any_node

# encodings


def flip_bits(draft: Draft, random: Random) -> None:
    places = [(random.random(), 1 << random.randrange(8)) for _ in range(random.randint(1, 3))]

    def flip(octets: bytes) -> bytes:
        changed = bytearray(octets)
        for where, bit in places:
            if changed:
                changed[int(where * len(changed))] ^= bit
        return bytes(changed)

    draft.edits.append(flip)


def put_in_odd_octets(draft: Draft, random: Random) -> None:
    where = random.random()
    odd = random.choice(
        (
            b"\xff",
            b"\xc0\xaf",
            b"\xed\xa0\x80",
            b"\x00",
            b"\xf4\x90\x80\x80",
            b"\xe2\x80\xa8",
            b"\x1b",
            b"\r\n",
        )
    )
    draft.edits.append(
        lambda octets: octets[: int(where * len(octets))] + odd + octets[int(where * len(octets)) :]
    )


def be_cut_off(draft: Draft, random: Random) -> None:
    where = random.random()
    draft.edits.append(lambda octets: octets[: int(where * len(octets))])


def go_on_after_the_end(draft: Draft, random: Random) -> None:
    more = random.choice((b"{}", b" ", b"\n\n", b"\x00", b"]", b"null", b"// text"))
    draft.edits.append(lambda octets: octets + more)


def be_written_otherwise(draft: Draft, random: Random) -> None:
    draft.edits.append(
        random.choice(
            (
                lambda octets: octets.decode("utf-8", "replace").encode("utf-16"),
                lambda octets: octets.decode("utf-8", "replace").encode("utf-32-le"),
                lambda octets: b"\xef\xbb\xbf" + octets,
                lambda octets: gzip.compress(octets, mtime=0),
                lambda octets: octets.replace(b'"', b"'"),
            )
        )
    )


def hold_a_lone_surrogate(draft: Draft, random: Random) -> None:
    container, name = any_node(draft, random)
    container[name] = "drips \ud83d"


def be_a_tombstone(draft: Draft, random: Random) -> None:
    draft.edits.append(random.choice((lambda _: None, lambda _: b"")))


# headers


def lose_a_header(draft: Draft, random: Random) -> None:
    if draft.headers:
        draft.headers.pop(random.randrange(len(draft.headers)))


def have_a_header_twice(draft: Draft, random: Random) -> None:
    draft.headers += random.choices(draft.headers) if draft.headers else []


def have_an_odd_header(draft: Draft, random: Random) -> None:
    if not draft.headers:
        return
    place = random.randrange(len(draft.headers))
    name, _ = draft.headers[place]
    odd = random.choice(
        (b"", b"\xff\xfe", b"\0", b" ", b"x" * 200, b"x" * 20_000, b"application/cloudevents+json", b"1.1")
    )
    draft.headers[place] = (name, odd)


def have_many_headers(draft: Draft, random: Random) -> None:
    draft.headers += [
        (f"more-{n}", b"\xff" * random.randint(0, 20)) for n in range(random.choice((10, 1_000)))
    ]


def name_headers_oddly(draft: Draft, random: Random) -> None:
    odd = random.choice(("", "\0", "CE_ID", "ce_", "ce_" + "x" * 300, "💧", "dl_reason", "traceparent"))
    draft.headers.append((odd, b"odd"))


def be_of_an_unknown_type(draft: Draft, random: Random) -> None:
    """Never a newer version on a topic of ours: that is no poison but waits for the upgrade, as it should."""
    kinds = ["", "truth", "truth.jobs.created.v0", "truth.nothing.happened.v1", "com.example.other", "v1"]
    kinds.append(f"truth.{draft.topic.name}.v{'9' * 5_000}")
    newer = ["truth.requests.submitted.v2"]
    at_the_door = draft.topic is REQUESTS_SUBMITTED
    _set_header(draft, "ce_type", random.choice(kinds + newer if at_the_door else kinds).encode())


def come_from_elsewhere(draft: Draft, random: Random) -> None:
    source = random.choice(
        (
            "/upstreams/other",
            "/upstreams/ACME",
            "/runtime-truth/intake",
            "/form/x",
            "",
            "../..",
            "/upstreams/acme\0",
        )
    )
    _set_header(draft, "ce_source", source.encode())


def have_another_key(draft: Draft, random: Random) -> None:
    draft.key = random.choice((None, b"", b"\xff\0", b"k" * 5_000, random.randbytes(16)))


def be_structured(draft: Draft, random: Random) -> None:
    attributes: dict[str, Json] = {
        name.removeprefix("ce_"): value.decode("utf-8", "replace") for name, value in draft.headers
    }
    draft.body = random.choice(
        (
            attributes | {"data": draft.body},
            attributes | {"data_base64": "e30="},
            attributes | {"data_base64": 7},
            {"specversion": "1.0", "data": draft.body},
            {name: [value] for name, value in attributes.items()} | {"data": draft.body},
        )
    )
    kind = random.choice(
        (
            "application/cloudevents+json",
            "application/cloudevents-batch+json",
            "Application/CloudEvents; charset=utf-8",
        )
    )
    draft.headers = [("content-type", kind.encode())]


def _set_header(draft: Draft, name: str, value: bytes) -> None:
    draft.headers = [(one, value if one == name else octets) for one, octets in draft.headers]
