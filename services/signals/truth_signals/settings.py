"""Configuration; only app.py and the command line read it."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from truth_kit.connections import DatabaseConnection, HttpServer, KafkaConnection, SignIn


class Settings(BaseSettings):
    """Everything that differs from place to place."""

    model_config = SettingsConfigDict(
        env_prefix="TRUTH_SIGNALS_", env_nested_delimiter="_", env_nested_max_split=1, frozen=True
    )

    http: HttpServer
    database: DatabaseConnection
    kafka: KafkaConnection
    issuer: str = Field(description="URL of the issuer of sign-ins, exactly as its tokens name it")
    sign_in: SignIn
    links: dict[str, str] = Field(default={}, description="JSON: public URLs of the other services, by name")
    replica: str | None = Field(default=None, description="stable name of this replica, if it has one")
    key_file: Path = Field(description="PKCS#8 PEM of the Ed25519 key that signs Signals, and nothing else")
    key_name: str = Field(description="name of that key: a URL without scheme")
    log_policy_file: Path = Field(description="tlog-policy pinned: which log's signature counts")
    keys_file: Path = Field(
        description="keys.json pinned: every key ever used, and from when to when it counts"
    )
    policy_file: Path | None = Field(default=None, description="Signal policy; default: the packaged one")
