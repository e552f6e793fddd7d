"""The proxy does to a connection what a storm asks of it, and nothing else."""

import contextlib
import socket
import threading
from collections.abc import Generator
from typing import cast

import pytest
from truth_local.ports import free_ports

from tests.faults.chaos.proxy import Links, linked

LINK = ("intake-1", "kafka")
SECONDS = 30.0
SHORT_SECONDS = 0.3


class Neighbour:
    """Answers each line with the same line in capitals, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = cast(int, self._server.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Take nobody any more."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)  # closing alone leaves the thread that accepts listening
        self._server.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._talk, args=self._server.accept()[:1], daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, client.makefile("rb") as lines:
            for line in lines:
                self.asked.append(line)
                client.sendall(line.upper())


@pytest.fixture
def neighbour() -> Generator[Neighbour]:
    there = Neighbour()
    yield there
    there.close()


@pytest.fixture
def port() -> int:
    return next(free_ports())


@pytest.fixture
def links(neighbour: Neighbour, port: int) -> Generator[Links]:
    with linked({LINK: (port, neighbour.port)}) as links:
        yield links


@pytest.fixture
def client(links: Links, port: int) -> Generator[socket.socket]:
    assert links
    with socket.create_connection(("127.0.0.1", port), SECONDS) as client:
        assert ask(client, b"hello\n") == b"HELLO\n"
        yield client


def ask(client: socket.socket, words: bytes) -> bytes:
    client.sendall(words)
    return client.recv(100)


def asked(neighbour: Neighbour, words: bytes) -> bool:
    """Whether the words arrive; waits for them."""
    waited = threading.Event()
    for _ in range(int(SECONDS / 0.05)):
        if words in neighbour.asked:
            return True
        waited.wait(0.05)
    return False


def test_an_answer_is_lost_and_what_was_asked_is_done(
    client: socket.socket, links: Links, neighbour: Neighbour, port: int
) -> None:
    links.lose_answers([LINK])
    with pytest.raises(ConnectionResetError):
        ask(client, b"commit\n")
    assert asked(neighbour, b"commit\n")
    with socket.create_connection(("127.0.0.1", port), SECONDS) as another:
        assert ask(another, b"again\n") == b"AGAIN\n"


def test_a_reset_ends_what_is_open_and_lets_new_connections_pass(
    client: socket.socket, links: Links, port: int
) -> None:
    links.reset([LINK])
    with pytest.raises(ConnectionResetError):
        client.recv(100)
    with socket.create_connection(("127.0.0.1", port), SECONDS) as another:
        assert ask(another, b"again\n") == b"AGAIN\n"


@pytest.mark.parametrize(
    ("requests", "answers"), [(True, True), (True, False), (False, True)], ids=["both", "requests", "answers"]
)
def test_what_is_held_back_arrives_once_the_link_is_mended(
    client: socket.socket, links: Links, neighbour: Neighbour, *, requests: bool, answers: bool
) -> None:
    links.hold([LINK], requests=requests, answers=answers)
    client.settimeout(SHORT_SECONDS)
    with pytest.raises(TimeoutError):
        ask(client, b"held\n")
    assert (b"held\n" in neighbour.asked) is not requests
    links.mend()
    client.settimeout(SECONDS)
    assert client.recv(100) == b"HELD\n"
    assert neighbour.asked == [b"hello\n", b"held\n"]


def test_a_slow_link_delays_and_loses_nothing(client: socket.socket, links: Links) -> None:
    links.slow([LINK], SHORT_SECONDS)
    client.settimeout(SHORT_SECONDS)
    with pytest.raises(TimeoutError):
        ask(client, b"slow\n")
    client.settimeout(SECONDS)
    assert client.recv(100) == b"SLOW\n"


def test_a_neighbour_that_is_away_is_told_by_a_closed_connection(
    links: Links, neighbour: Neighbour, port: int
) -> None:
    assert links
    neighbour.close()
    with socket.create_connection(("127.0.0.1", port), SECONDS) as client:
        try:
            assert client.recv(100) == b""
        except ConnectionResetError:
            return
