"""What can keep the local system from coming up or going down, told to people without a traceback."""

from truth_topology.apply import LoginTimeoutError, TopologyRefusedError
from truth_topology.connection import BrokerError

from truth_local.jars import JarChecksumError, JarsUnreachableError
from truth_local.ports import PortSettingError, PortTakenError
from truth_local.processes import StartError, StopError

FAILURES = (
    BrokerError,
    StartError,
    StopError,
    PortTakenError,
    PortSettingError,
    JarChecksumError,
    JarsUnreachableError,
    TopologyRefusedError,
    LoginTimeoutError,
)
