"""Tokens as the services check them: ES256 JWTs with roles and kind."""

import time
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import ECKey

from truth_issuer.codes import Grant
from truth_issuer.people import Account

AUDIENCE = "truth"
ALGORITHM = "ES256"
TOKEN_SECONDS = 3600


def read_key(path: Path) -> ECKey:
    """The issuer's signing key, with its thumbprint (RFC 7638) as key id."""
    key = ECKey.import_key(path.read_text(), {"use": "sig", "alg": ALGORITHM})
    key.ensure_kid()
    return key


def access_token(
    key: ECKey,
    issuer: str,
    account: Account,
    *,
    auth_time: int | None = None,
    seconds: int = TOKEN_SECONDS,
) -> str:
    """A bearer token for the services' APIs. `auth_time`: when a person signed in (RFC 9068, 2.2.1)."""
    claims: dict[str, object] = {"iss": issuer, "aud": AUDIENCE, **account.claims, "auth_time": auth_time}
    return _sign(key, "at+jwt", claims, seconds)


def id_token(key: ECKey, issuer: str, account: Account, grant: Grant) -> str:
    """What tells the client of a code flow who signed in, and when (OpenID Connect Core, section 2)."""
    told: dict[str, object] = {"nonce": grant.nonce, "auth_time": grant.auth_time}
    return _sign(key, "JWT", {"iss": issuer, "aud": grant.client, **account.claims, **told}, TOKEN_SECONDS)


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
    told = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(
        header, {**told, "iat": now, "nbf": now, "exp": now + seconds}, key, algorithms=[ALGORITHM]
    )
