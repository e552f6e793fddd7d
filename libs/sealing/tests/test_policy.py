"""Policies, as C2SP tlog-policy writes them, and the keys file beside them."""

import json
from itertools import combinations
from typing import Any

import pytest
from truth_sealing.cosignature import CosignatureKey
from truth_sealing.keyring import KEYS_BYTES_MAX, KeyringError, read_keyring
from truth_sealing.keys import FileSigner
from truth_sealing.policy import POLICY_BYTES_MAX, PolicyError, parse_policy

NAMES = ("X1", "X2", "X3", "Y1", "Y2", "Y3")
LOG = FileSigner.generate("records.example.org/log").verify_key
KEYS = {
    name: CosignatureKey(f"{name}.example", FileSigner.generate(name).verify_key.public) for name in NAMES
}
EXAMPLE = f"""# The example of tlog-policy.md, with blanks of every allowed kind.
log {LOG.vkey}

\twitness X1 {KEYS["X1"].vkey} https://witness.example/
witness  X2\t{KEYS["X2"].vkey}
witness X3 {KEYS["X3"].vkey}
  # indented comment
group X-witnesses 2 X1 X2 X3

witness Y1 {KEYS["Y1"].vkey}
witness Y2 {KEYS["Y2"].vkey}
witness Y3 {KEYS["Y3"].vkey}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""
W1 = f"witness w1 {KEYS['X1'].vkey}\n"


def test_the_example_of_the_specification_asks_for_two_x_and_one_y() -> None:
    policy = parse_policy(EXAMPLE.encode())
    assert policy.logs == [LOG]
    for count in range(len(NAMES) + 1):
        for chosen in combinations(NAMES, count):
            enough = sum(n[0] == "X" for n in chosen) >= 2 and any(n[0] == "Y" for n in chosen)
            assert policy.is_met({KEYS[name].vkey for name in chosen}) is enough


def test_a_quorum_may_be_one_witness_or_none() -> None:
    alone = parse_policy(f"{W1}quorum w1".encode())
    assert alone.is_met({KEYS["X1"].vkey})
    assert not alone.is_met({KEYS["X2"].vkey})
    assert parse_policy(b"quorum none\n").is_met(set())


def test_names_are_octets() -> None:
    policy = parse_policy(
        f"witness K {KEYS['X1'].vkey}\nwitness \u212a {KEYS['X2'].vkey}\n".encode() + b"quorum K\n"
    )
    assert policy.is_met({KEYS["X1"].vkey})
    assert not policy.is_met({KEYS["X2"].vkey})
    assert parse_policy(b"# \xff\xfe\nquorum none\n").quorum == "none"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no quorum line"),
        (f"log {LOG.vkey}\n", "no quorum line"),
        ("quorum none\nquorum none\n", "line 2: two quorum"),
        ("quorum w1\n", "line 1: w1 is not defined"),
        (f"quorum w1\n{W1}", "line 1: w1 is not defined"),
        (f"{W1}quorum w1 w2\n", "line 2: not a log"),
        ("trust me\nquorum none\n", "line 1: not a log"),
        ("log\nquorum none\n", "line 1: not a log"),
        ("log x\nquorum none\n", "line 1: a vkey"),
        ("log x+00000000+\u00e9\nquorum none\n", "line 1: the key of 'x' is not base64"),
        (f"log {KEYS['X1'].vkey}\nquorum none\n", "line 1: "),
        (f"log {LOG.vkey}\nlog {LOG.vkey}\nquorum none\n", "two logs"),
        (f"witness w1 {LOG.vkey}\nquorum none\n", "0x04"),
        (f"{W1}{W1.replace('w1', 'w2', 1)}quorum none\n", "two witnesses"),
        (f"{W1}witness w1 {KEYS['X2'].vkey}\nquorum none\n", "taken"),
        (f"witness none {KEYS['X2'].vkey}\nquorum none\n", "taken"),
        (f"{W1}group w1 any w1\nquorum none\n", "taken"),
        (f"{W1}group g any w1\ngroup g any w1\nquorum none\n", "taken"),
        (f"{W1}group g any w2\nquorum none\n", "w2 is not defined"),
        (f"{W1}group g any none\nquorum none\n", "none is not defined"),
        (f"{W1}group g any g\nquorum none\n", "g is not defined"),
        (f"{W1}group g any w1 w1\nquorum none\n", "already in a group"),
        (f"{W1}group g any w1\ngroup h any w1\nquorum none\n", "already in a group"),
        (f"{W1}group g any\nquorum none\n", "cannot be met"),
        (f"{W1}group g 0 w1\nquorum none\n", "cannot be met"),
        (f"{W1}group g 2 w1\nquorum none\n", "cannot be met"),
        (f"{W1}group g 01 w1\nquorum none\n", "cannot be met"),
        (f"{W1}group g most w1\nquorum none\n", "cannot be met"),
        ("quorum\u00a0none\n", "not a log"),
        ("quorum none\r\n", "control"),
        ("quorum none\x7f\n", "control"),
        ("#" * POLICY_BYTES_MAX + "\nquorum none\n", "too long"),
    ],
)
def test_what_is_no_policy_is_refused(text: str, why: str) -> None:
    with pytest.raises(PolicyError, match=why):
        parse_policy(text.encode())


def test_groups_are_bounded() -> None:
    lines = [W1, "group g0 any w1\n", *(f"group g{n} any g{n - 1}\n" for n in range(1, 65))]
    with pytest.raises(PolicyError, match="more than 64 groups"):
        parse_policy("".join([*lines, "quorum none\n"]).encode())


def test_octets_that_are_no_text_name_no_key() -> None:
    with pytest.raises(PolicyError, match="line 1"):
        parse_policy(b"log \xff+00000000+AAAA\nquorum none\n")


def pinned(**changes: Any) -> bytes:
    key = {"kind": "step", "vkey": LOG.vkey, "from": None, "to": None, "state": "active"}
    return json.dumps({"keys": [{**key, **changes}]}).encode()


EARLY, LATE = "2026-01-01T00:00:00.000Z", "2026-12-31T23:59:59.999Z"


def test_a_step_key_counts_within_its_span() -> None:
    keyring = read_keyring(pinned(**{"from": EARLY, "to": LATE, "state": "retired"}))
    assert keyring.step_keys(EARLY) == keyring.step_keys(LATE) == {LOG.name: (LOG,)}
    assert (
        keyring.step_keys("2025-12-31T23:59:59.999Z") == keyring.step_keys("2027-01-01T00:00:00.000Z") == {}
    )
    assert keyring.signal_keys(EARLY) == ()
    assert keyring.has_step_keys
    assert not read_keyring(pinned(kind="signal")).has_step_keys


def test_a_log_key_counts_up_to_its_last_size() -> None:
    keyring = read_keyring(pinned(kind="log", **{"from": 3, "to": 9}))
    assert [size for size in range(12) if keyring.allows_log_key(LOG, size)] == list(range(3, 10))
    assert keyring.allows_log_key(FileSigner.generate("other").verify_key, 99)


def test_a_key_of_another_kind_says_nothing_of_the_log() -> None:
    assert read_keyring(pinned(**{"from": EARLY})).allows_log_key(LOG, 5)


def test_keys_are_told_apart_by_kind() -> None:
    witness = read_keyring(pinned(kind="witness", vkey=KEYS["X1"].vkey))
    assert witness.keys_of("witness") == ()
    assert read_keyring(pinned(kind="signal")).keys_of("signal") == (LOG,)


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "no array of keys"),
        (b'{"keys":[1]}', "key 1 does not have"),
        (b'{"keys":[{"kind":"step"}]}', "key 1 does not have"),
        (pinned(kind="master"), "unknown kind"),
        (pinned(state="asleep"), "unknown kind or state"),
        (pinned(state="retired"), "since when"),
        (pinned(vkey="x"), "key 1: "),
        (pinned(vkey=1), "key 1: "),
        (pinned(vkey="x+00000000+\u00e9"), "key 1: the key of 'x' is not base64"),
        (pinned(kind="witness"), "0x04"),
        (pinned(to=5), "span"),
        (pinned(to="tomorrow"), "span"),
        (pinned(kind="log", to=EARLY), "span"),
        (pinned(kind="log", to=True), "span"),
        (pinned(kind="log", to=-1), "span"),
        (b" " * KEYS_BYTES_MAX + b"{}", "longer"),
    ],
)
def test_what_is_no_keys_file_is_refused(octets: bytes, why: str) -> None:
    with pytest.raises(KeyringError, match=why):
        read_keyring(octets)
