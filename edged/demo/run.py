"""``edged demo``: the real daemon on sample cameras, with a broker of its own, watched from the outside."""

from __future__ import annotations

import http.client
import json
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from edged.core.errors import DemoError
from edged.demo.board import Board
from edged.demo.broker import HOST, free_port, start_broker
from edged.demo.folder import temporary_folder
from edged.demo.stage import BOX, CLIPS, Ports, control_socket, environment, start_daemon

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edged.demo.child import Child

START_TIMEOUT_S = 60.0
STOP_DAEMON_S = 6.0
STOP_BROKER_S = 2.0
BROKER_ENDS_S = 1.0
HEALTH_EVERY_S = 1.0
HEALTH_TIMEOUT_S = 0.5
TURN_S = 0.1
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class View(Protocol):
    """How the demo is shown."""

    every_s: float

    def open(self, ports: Ports, broker_name: str, control_socket: Path) -> None:
        """Begin, now that it is known where everything is."""

    @property
    def is_over(self) -> bool:
        """Whether who watches has had enough."""

    def show(self, board: Board) -> None:
        """Show what is known now; called every ``every_s`` seconds."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class Demo:
    """Runs everything until the daemon has served for ``seconds``, or a signal comes."""

    def __init__(self, seconds: float, view: View) -> None:
        self._seconds = seconds
        self._view = view
        self._began_s = time.monotonic()
        self._ready_s: float | None = None
        self._board = Board(f"edged/{BOX}", list(CLIPS))
        self._ports = Ports(mqtt=free_port(), http=free_port())
        self._is_interrupted = False

    def run(self) -> Board:
        """Start, show, end, clean up; raises DemoError when a part fails or nobody was followed."""
        with self._ended_by_signals(), temporary_folder() as folder:
            environ = environment(folder)
            with _ended(start_broker(self._ports.mqtt, folder, environ), STOP_BROKER_S) as broker:
                subscriber = self._subscribe()
                with _ended(start_daemon(self._ports, folder, environ), STOP_DAEMON_S) as daemon:
                    self._view.open(self._ports, broker.name, control_socket(environ))
                    try:
                        self._watch(subscriber, broker, daemon)
                    finally:
                        self._view.close()
                subscriber.disconnect()
        return self._board

    def _watch(self, subscriber: paho.Client, broker: Child, daemon: Child) -> None:
        """Take messages and health and show them until it is over."""
        health_due, show_due = _Rhythm(HEALTH_EVERY_S), _Rhythm(self._view.every_s)
        while not self._is_over and self._board.running_s < self._seconds:
            if subscriber.loop(TURN_S) is not MQTTErrorCode.MQTT_ERR_SUCCESS:
                broker.must_run(BROKER_ENDS_S)
                broker.fail("closed the connection")
            if self._ready_s is None or health_due.is_due():
                self._ask_health(daemon)
            if self._ready_s is not None:
                self._board.running_s = time.monotonic() - self._ready_s
            if show_due.is_due():
                self._view.show(self._board)
        if not self._is_over and self._board.first_tracks_s is None:
            daemon.fail(f"followed nobody in {self._seconds:g} s")

    @property
    def _is_over(self) -> bool:
        return self._is_interrupted or self._view.is_over

    def _ask_health(self, daemon: Child) -> None:
        daemon.must_run()
        self._board.health = _get_health(self._ports.http)
        if self._board.health:
            self._ready_s = self._ready_s or time.monotonic()
        elif self._ready_s is None and time.monotonic() > self._began_s + START_TIMEOUT_S:
            daemon.fail(f"is not ready after {START_TIMEOUT_S:g} s")

    def _subscribe(self) -> paho.Client:
        """Return a client that ``_watch`` reads, without a thread of its own."""
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id="edged-demo-viewer")
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        try:
            client.connect(HOST, self._ports.mqtt)
        except OSError as error:
            msg = f"demo: cannot reach the broker that was just started: {error.strerror or error}"
            raise DemoError(msg) from None
        return client

    def _on_connect(self, client: paho.Client, *_: object) -> None:
        client.subscribe(f"{self._board.base_topic}/#", qos=1)

    def _on_message(self, _client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        self._board.on_message(message.topic, bytes(message.payload), time.monotonic() - self._began_s)

    @contextmanager
    def _ended_by_signals(self) -> Iterator[None]:
        def interrupt(*_: object) -> None:
            self._is_interrupted = True

        before = {number: signal.signal(number, interrupt) for number in ENDING}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class _Rhythm:
    """Says when it is time again; the first time is now."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._next_s = 0.0

    def is_due(self) -> bool:
        now_s = time.monotonic()
        if now_s < self._next_s:
            return False
        self._next_s = now_s + self._every_s
        return True


@contextmanager
def _ended(child: Child, timeout_s: float) -> Iterator[Child]:
    try:
        yield child
    finally:
        child.stop(timeout_s)


def _get_health(port: int) -> dict[str, Any]:
    """Return what ``/health`` answers; empty while nobody does."""
    connection = http.client.HTTPConnection(HOST, port, timeout=HEALTH_TIMEOUT_S)
    try:
        connection.request("GET", "/health")
        health: dict[str, Any] = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        connection.close()
    return health
