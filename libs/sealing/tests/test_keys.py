"""Keys: the C2SP vkey form, key files, and what is refused."""

import base64
import stat
from pathlib import Path

import pytest
from truth_sealing.keys import FileSigner, KeyFormatError, VerifyKey, read_vkeys

PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
"""The example key of C2SP signed-note."""


def test_the_specifications_example_key_is_read() -> None:
    key = VerifyKey.parse(PETER)
    assert (key.name, key.key_id.hex(), key.vkey) == ("PeterNeumann", "c74f20a3", PETER)


def test_a_signature_verifies_under_its_own_key_only() -> None:
    signer, other = FileSigner.generate("intake"), FileSigner.generate("intake")
    signature = signer.sign(b"message")
    assert signer.verify_key.verify(b"message", signature)
    assert not signer.verify_key.verify(b"massage", signature)
    assert not other.verify_key.verify(b"message", signature)
    assert not signer.verify_key.verify(b"message", signature[:-1])


def test_a_key_file_is_for_its_owner_alone_and_is_never_replaced(tmp_path: Path) -> None:
    path, signer = tmp_path / "intake.pem", FileSigner.generate("intake")
    signer.write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert FileSigner.read("intake", path).verify_key == signer.verify_key
    with pytest.raises(FileExistsError):
        FileSigner.generate("intake").write(path)


@pytest.mark.parametrize(
    "vkey",
    [
        pytest.param("PeterNeumann+c74f20a3", id="two parts"),
        pytest.param(PETER.replace("c74f20a3", "c74f20a4"), id="another key id"),
        pytest.param(PETER.replace("Peter", "Pete"), id="another name"),
        pytest.param("n+00000000+" + base64.b64encode(b"\x02" + bytes(32)).decode(), id="another type"),
        pytest.param("n+00000000+!", id="not base64"),
        pytest.param(PETER.replace("PeterNeumann", "Peter Neumann"), id="space in the name"),
    ],
)
def test_a_vkey_that_does_not_fit_is_refused(vkey: str) -> None:
    with pytest.raises(KeyFormatError):
        VerifyKey.parse(vkey)


def test_what_is_no_ed25519_key_is_refused() -> None:
    with pytest.raises(KeyFormatError):
        FileSigner.parse("intake", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")


def test_a_file_of_keys_may_hold_two_for_one_name() -> None:
    one, two = FileSigner.generate("intake").verify_key, FileSigner.generate("intake").verify_key
    assert read_vkeys(f"# rotation\n{one.vkey}\n\n{two.vkey}\n") == {"intake": (one, two)}
    with pytest.raises(KeyFormatError, match="line 2"):
        read_vkeys(f"{one.vkey}\nnonsense\n")
