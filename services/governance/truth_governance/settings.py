"""Configuration; only app.py and the command line read it."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from truth_kit.connections import DatabaseConnection, HttpServer, KafkaConnection, SignIn


class Settings(BaseSettings):
    """Everything that differs from place to place."""

    model_config = SettingsConfigDict(
        env_prefix="TRUTH_GOVERNANCE_", env_nested_delimiter="_", env_nested_max_split=1, frozen=True
    )

    http: HttpServer
    database: DatabaseConnection
    kafka: KafkaConnection
    issuer: str = Field(description="URL of the issuer of sign-ins, exactly as its tokens name it")
    sign_in: SignIn
    links: dict[str, str] = Field(default={}, description="JSON: public URLs of the other services, by name")
    replica: str | None = Field(default=None, description="stable name of this replica, if it has one")
    create_job_proof: Literal["off", "optional", "required"] = Field(
        default="optional", description="whether Create Job is signed by a passkey: off, optional or required"
    )
    passkey_rp_id: str | None = Field(
        default=None,
        description="domain that passkeys are bound to, the public URL's or one above it; default: the public"
        " URL's. Passkeys that were registered under another one are of no use any more.",
    )
    step_key_file: Path = Field(description="PKCS#8 PEM of the Ed25519 key that signs governance's steps")
    step_keys_file: Path = Field(
        validation_alias="TRUTH_STEP_KEYS_FILE", description="public step keys, one vkey a line"
    )
