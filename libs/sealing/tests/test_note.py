"""Signed notes, checkpoints and cosignatures, as C2SP writes them."""

import base64

import pytest
from truth_sealing.checkpoint import (
    SIZE_MAX,
    Checkpoint,
    CheckpointError,
    open_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
)
from truth_sealing.cosignature import CosignatureKey, cosignature_line
from truth_sealing.keys import FileSigner, KeyFormatError, VerifyKey
from truth_sealing.note import (
    NOTE_BYTES_MAX,
    NoteError,
    decode_base64,
    find_signature,
    parse_note,
    sign_note,
    signed_by,
)

# The example of signed-note.md.
KEY = VerifyKey.parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
LINE = (
    "— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
NOTE = "This is an example message.\n\n" + LINE
LOG = FileSigner.generate("records.example.org/log")
SIGNER = (LOG, LOG.verify_key.key_id)
HEAD = Checkpoint(LOG.name, 7, bytes(range(32)))
TEXT = HEAD.text


def test_the_example_of_the_specification_verifies() -> None:
    assert signed_by(parse_note(NOTE), [KEY]) == (KEY,)


def test_a_changed_text_makes_a_known_signature_wrong() -> None:
    with pytest.raises(NoteError, match="wrong"):
        signed_by(parse_note(NOTE.replace("example message", "example massage")), [KEY])


def test_unknown_keys_are_ignored_even_with_a_known_name_or_id() -> None:
    stranger = FileSigner.generate("example.com/foo")
    unknown = sign_note("x\n", (stranger, stranger.verify_key.key_id)).split("\n\n")[1]
    same_id = LINE.replace("example.com/foo", "example.com/bar")
    note = parse_note(NOTE + unknown + same_id)
    assert len(note.signatures) == 3
    assert signed_by(note, [KEY]) == (KEY,)
    assert signed_by(note, []) == ()


def test_a_signature_is_found_by_name_and_id_together() -> None:
    same_name, same_id = LINE.replace(" Uw2Q", " Ux2Q"), LINE.replace("example.com/foo", "example.com/bar")
    note = parse_note("text\n\n" + same_name + same_id + LINE)
    found = find_signature(note, KEY)
    assert found is not None
    assert (found.line, note.signatures[2].line) == (LINE, LINE)
    assert find_signature(parse_note("text\n\n" + same_name + same_id), KEY) is None


def test_a_wrong_line_of_a_known_key_is_fatal_beside_a_right_one() -> None:
    wrong = LINE[:-10] + "AAAA" + LINE[-6:]
    with pytest.raises(NoteError, match="wrong"):
        signed_by(parse_note(NOTE + wrong), [KEY])


def test_the_text_ends_at_the_last_blank_line() -> None:
    note = parse_note("one\n\ntwo\n\n" + LINE)
    assert note.text == "one\n\ntwo\n"


@pytest.mark.parametrize(
    ("note", "why"),
    [
        ("", "no signatures"),
        ("text\n", "no signatures"),
        ("text\n\n", "no signatures"),
        ("text\n\n" + LINE[:-1], "no signatures"),
        ("text\n\nsigned by me\n", "em dash"),
        ("text\n\n" + LINE.replace("— ", "- "), "em dash"),
        ("text\n\n— name\n", "em dash"),
        ("text\n\n—  AAAAAAAA\n", "em dash"),
        ("text\n\n— a+b AAAAAAAA\n", "em dash"),
        ("text\n\n— a\u2003b AAAAAAAA\n", "em dash"),
        ("text\n\n— name AAAAAA==\n", "no signature in base64"),
        ("text\n\n— name AAAAAAB=\n", "no signature in base64"),
        ("text\n\n— name AAAA AAAA\n", "no signature in base64"),
        ("text\n\n— name !\n", "no signature in base64"),
        ("te\rxt\n\n" + LINE, "control"),
        ("te\txt\n\n" + LINE, "control"),
        ("te\ud800xt\n\n" + LINE, "UTF-8"),
        ("x" * NOTE_BYTES_MAX + "\n\n" + LINE, "longer"),
        ("text\n\n" + LINE * 17, "more than 16"),
    ],
)
def test_what_is_no_note_is_refused(note: str, why: str) -> None:
    with pytest.raises(NoteError, match=why):
        parse_note(note)


def test_sixteen_signatures_are_read() -> None:
    assert len(parse_note("text\n\n" + LINE * 16).signatures) == 16


def test_a_text_without_its_newline_is_not_signed() -> None:
    with pytest.raises(NoteError):
        sign_note("text", SIGNER)


def test_base64_is_read_in_one_way_only() -> None:
    assert decode_base64("AAA=") == b"\0\0"
    assert all(
        decode_base64(text) is None for text in ("AAB=", "AAA", "AAA=\n", " AAA=", "AA-_", "é", "AAA=A")
    )


def test_a_checkpoint_is_signed_and_opened() -> None:
    note = sign_checkpoint(HEAD, SIGNER)
    assert note.startswith(f"{LOG.name}\n7\n{base64.b64encode(HEAD.root).decode()}\n\n— {LOG.name} ")
    assert open_checkpoint(note, [LOG.verify_key]) == (HEAD, (LOG.verify_key,))


def test_while_a_key_is_rotated_both_sign() -> None:
    new = FileSigner.generate(LOG.name)
    note = sign_checkpoint(HEAD, SIGNER, (new, new.verify_key.key_id))
    assert open_checkpoint(note, [new.verify_key])[1] == (new.verify_key,)
    assert open_checkpoint(note, [LOG.verify_key, new.verify_key])[1] == (LOG.verify_key, new.verify_key)


def test_a_checkpoint_of_another_origin_does_not_count() -> None:
    other = Checkpoint("other.example.org/log", 7, HEAD.root)
    note = sign_note(other.text, SIGNER)
    with pytest.raises(CheckpointError, match="pinned key of other"):
        open_checkpoint(note, [LOG.verify_key])
    with pytest.raises(CheckpointError, match="origin's name"):
        sign_checkpoint(other, SIGNER)


def test_a_checkpoint_needs_a_pinned_key() -> None:
    with pytest.raises(CheckpointError, match="pinned key"):
        open_checkpoint(sign_checkpoint(HEAD, SIGNER), [])


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", TEXT[:-1], TEXT + "\n", TEXT.replace("\n7\n", "\n07\n"), TEXT.replace("\n7\n", "\n+7\n"),
        TEXT.replace("\n7\n", "\n-7\n"), TEXT.replace("\n7\n", "\n7 \n"), TEXT.replace("\n7\n", "\n\u0667\n"),
        TEXT.replace("\n7\n", "\n\n"), TEXT.replace("\n7\n", f"\n{SIZE_MAX + 1}\n"),
        TEXT.replace("\n7\n", "\n" + "9" * 5000 + "\n"), TEXT.replace("=\n", "\n"),
        TEXT.replace("AAEC", "AAE"), f"{LOG.name}\n7\nAAAA\n", f"\n7\n{TEXT.splitlines()[2]}\n",
    ],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(CheckpointError):
        parse_checkpoint(text)


def test_an_empty_log_an_extension_and_the_largest_size_are_read() -> None:
    assert parse_checkpoint(TEXT.replace("\n7\n", "\n0\n")).size == 0
    assert parse_checkpoint(TEXT.replace("\n7\n", f"\n{SIZE_MAX}\n")).size == SIZE_MAX
    assert parse_checkpoint(TEXT + "extension\n") == HEAD


WITNESS = FileSigner.generate("witness.example.org/w1")
WITNESS_KEY = CosignatureKey(WITNESS.name, WITNESS.verify_key.public)


def test_a_witness_cosigns_a_checkpoint() -> None:
    note = sign_checkpoint(HEAD, SIGNER) + cosignature_line(TEXT, WITNESS, WITNESS_KEY, 1679315147)
    assert signed_by(parse_note(note), [WITNESS_KEY]) == (WITNESS_KEY,)
    signed = WITNESS.sign(b"cosignature/v1\ntime 1679315147\n" + TEXT.encode())
    assert WITNESS_KEY.verify(TEXT.encode(), (1679315147).to_bytes(8, "big") + signed)
    assert CosignatureKey.parse(WITNESS_KEY.vkey) == WITNESS_KEY


def test_a_cosignature_of_another_form_is_wrong() -> None:
    text, seconds = TEXT.encode(), (5).to_bytes(8, "big")
    signed = WITNESS.sign(b"cosignature/v1\ntime 5\n" + text)
    assert not WITNESS_KEY.verify(text, signed)
    assert not WITNESS_KEY.verify(text, seconds + signed + b"\0")
    assert not WITNESS_KEY.verify(text, (6).to_bytes(8, "big") + signed)
    late = 2**63
    signed = WITNESS.sign(b"cosignature/v1\ntime %d\n" % late + text)
    assert not WITNESS_KEY.verify(text, late.to_bytes(8, "big") + signed)


@pytest.mark.parametrize(
    "vkey",
    ["", "w1", WITNESS.verify_key.vkey, WITNESS_KEY.vkey.replace("w1+", "w2+"), WITNESS_KEY.vkey + "AAAA",
     CosignatureKey("a b", WITNESS_KEY.public).vkey, "w1+00000000+!", f"w+{CosignatureKey('w', bytes(32)).key_id.hex()}+{base64.b64encode(bytes([1, *bytes(32)])).decode()}", CosignatureKey("w", bytes(33)).vkey],
)  # fmt: skip
def test_what_is_no_witness_key_is_refused(vkey: str) -> None:
    with pytest.raises(KeyFormatError):
        CosignatureKey.parse(vkey)
