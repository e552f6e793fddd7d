"""Configuration; only app.py and the command line read it."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from truth_kit.connections import BlobStore, DatabaseConnection, HttpServer, KafkaConnection, SignIn


class Settings(BaseSettings):
    """Everything that differs from place to place."""

    model_config = SettingsConfigDict(
        env_prefix="TRUTH_EXECUTION_", env_nested_delimiter="_", env_nested_max_split=1, frozen=True
    )

    http: HttpServer
    database: DatabaseConnection
    kafka: KafkaConnection
    issuer: str = Field(description="URL of the issuer of sign-ins, exactly as its tokens name it")
    replica: str | None = Field(default=None, description="stable name of this replica, if it has one")
    step_key_file: Path = Field(description="PKCS#8 PEM of the Ed25519 key that signs execution's steps")
    step_keys_file: Path = Field(
        validation_alias="TRUTH_STEP_KEYS_FILE", description="public step keys, one vkey a line"
    )
    create_job_proof: Literal["off", "optional", "required"] = Field(
        default="optional", description="as governance's: `required` makes no Job that no passkey created"
    )
    evidence: BlobStore = Field(description="where photos are kept by digest; records may read it")
    evidence_bytes_max: int = Field(default=25 * 1024 * 1024, description="largest photo, in bytes")
    sign_in: SignIn
    links: dict[str, str] = Field(default={}, description="public URLs of the other services, by name; JSON")
