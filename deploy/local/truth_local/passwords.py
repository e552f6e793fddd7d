"""Passwords and keys, made at random when they are first asked for."""

import secrets
from pathlib import Path

from joserfc.jwk import ECKey

from truth_local.layout import Layout, write_private

_PASSWORD_BYTES = 24


def password(path: Path) -> str:
    """The password at `path`; a new random one when there is none yet."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(_PASSWORD_BYTES))
    return path.read_text().strip()


def issuer_key(layout: Layout) -> Path:
    """The file of the issuer's signing key (ES256), made when there is none yet."""
    path = layout.secrets / "issuer.pem"
    if not path.exists():
        key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, private=True)
        key.ensure_kid()
        write_private(path, key.as_pem(private=True).decode())
    return path
