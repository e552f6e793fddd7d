"""Tokens as the services check them: ES256 JWTs with roles and kind."""

import time
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import ECKey

from truth_issuer.people import Account

AUDIENCE = "truth"
ALGORITHM = "ES256"
TOKEN_SECONDS = 3600


def read_key(path: Path) -> ECKey:
    """The issuer's signing key, with its thumbprint (RFC 7638) as key id."""
    key = ECKey.import_key(path.read_text(), {"use": "sig", "alg": ALGORITHM})
    key.ensure_kid()
    return key


def access_token(key: ECKey, issuer: str, account: Account, *, seconds: int = TOKEN_SECONDS) -> str:
    """A bearer token for the services' APIs."""
    return _sign(key, "at+jwt", {"iss": issuer, "aud": AUDIENCE, **account.claims}, seconds)


def id_token(key: ECKey, issuer: str, account: Account, client: str, nonce: str | None) -> str:
    """What tells the client of a code flow who signed in."""
    claims: dict[str, object] = {"iss": issuer, "aud": client, **account.claims}
    return _sign(key, "JWT", claims if nonce is None else {**claims, "nonce": nonce}, TOKEN_SECONDS)


def verified_subject(key: ECKey, issuer: str, token: str) -> str:
    """The subject of an access token of ours; raises joserfc's JoseError for anything else."""
    claims = jwt.decode(token, key, algorithms=[ALGORITHM]).claims
    registry = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": AUDIENCE},
        exp={"essential": True},
    )
    registry.validate(claims)
    return str(claims["sub"])


def _sign(key: ECKey, kind: str, claims: dict[str, object], seconds: int) -> str:
    now = int(time.time())
    header = {"alg": ALGORITHM, "kid": key.kid, "typ": kind}
    return jwt.encode(
        header, {**claims, "iat": now, "nbf": now, "exp": now + seconds}, key, algorithms=[ALGORITHM]
    )
