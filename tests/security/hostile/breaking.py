"""All the ways in which a message may be broken, drawn at random."""

from collections.abc import Callable, Mapping
from random import Random

from tests.security.hostile import body_ways as body
from tests.security.hostile import octet_ways as octets
from tests.security.hostile.draft import Draft

Break = Callable[[Draft, Random], None]

_SHARES = {"sizes": 0.3}
"""How often a kind of way is drawn, beside the others' 1: what is large takes its time on any path."""


def break_it(draft: Draft, random: Random) -> str:
    """Break `draft` in one way; returns the way's name. A way that does not apply leaves it whole."""
    (group,) = random.choices(tuple(WAYS), weights=[_SHARES.get(group, 1) for group in WAYS])
    way = random.choice(WAYS[group])
    way(draft, random)
    return f"{group}: {way.__name__.replace('_', ' ')}"


WAYS: Mapping[str, tuple[Break, ...]] = {
    "structure": (
        body.lose_a_member,
        body.rename_a_member,
        body.add_an_unknown_member,
        body.tell_a_member_twice,
        body.swap_two_members,
        body.be_something_else_than_an_object,
        body.nest_deeply,
    ),
    "types": (body.be_of_another_type, body.hold_a_number_beyond_all, body.tell_an_odd_instant),
    "sizes": (body.be_long_in_one_place, body.be_larger_than_the_topic_takes, body.hold_many),
    "encodings": (
        octets.flip_bits,
        octets.put_in_odd_octets,
        octets.be_cut_off,
        octets.go_on_after_the_end,
        octets.be_written_otherwise,
        octets.hold_a_lone_surrogate,
        octets.be_a_tombstone,
    ),
    "headers": (
        octets.lose_a_header,
        octets.have_a_header_twice,
        octets.have_an_odd_header,
        octets.have_many_headers,
        octets.name_headers_oddly,
        octets.be_of_an_unknown_type,
        octets.come_from_elsewhere,
        octets.have_another_key,
        octets.be_structured,
    ),
    "chains": (
        body.skip_a_step,
        body.repeat_a_step,
        body.turn_the_steps_round,
        body.take_anothers_history,
        body.change_a_word_of_the_past,
        body.change_a_link,
        body.have_no_history,
    ),
}
