"""Messages waiting to be published. A row is written in the transaction that decided it; the relay deletes it."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import BigInteger, Column, DateTime, Identity, LargeBinary, Table, Text, func
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import TypedColumns
from truth_contracts.base import Contract
from truth_contracts.envelope import Message, to_kafka
from truth_contracts.topics import TOPICS

