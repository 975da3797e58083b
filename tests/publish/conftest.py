"""A broker, somebody who listens, and publishers that are stopped when the test is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from edged.config import MqttSettings
from edged.core.retry import Backoff
from edged.publish.publisher import Publisher
from tests.parts.broker import Broker
from tests.parts.subscriber import Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from edged.config.commands import Command

BASE = "edged/porch"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A mosquitto that lets everybody in."""
    made = Broker(tmp_path)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def subscriber(broker: Broker) -> Iterator[Subscriber]:
    """Somebody who hears everything."""
    made = Subscriber(broker.port)
    yield made
    made.close()


class Publishers:
    """Makes publishers for one test, and keeps the commands that they were given."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self._made: list[Publisher] = []

    def start(
        self,
        port: int,
        *,
        cameras: tuple[str, ...] = ("front",),
        client_id: str = "edged-porch",
        **settings: Any,
    ) -> Publisher:
        """Start a publisher that does not wait long between tries."""
        # Without validation, for a keepalive shorter than anybody should want.
        whole = MqttSettings(host="127.0.0.1", port=port).model_copy(update=settings)
        publisher = Publisher(
            whole,
            base_topic=BASE,
            client_id=client_id,
            on_command=self.commands.append,
            backoff=Backoff(first_s=0.05, longest_s=0.2),
        )
        self._made.append(publisher)
        publisher.set_cameras(cameras)
        publisher.start()
        return publisher

    def stop(self) -> None:
        for publisher in self._made:
            publisher.stop(0.5)


@pytest.fixture
def publishers() -> Iterator[Publishers]:
    """What makes publishers."""
    made = Publishers()
    yield made
    made.stop()


@pytest.fixture
def start(publishers: Publishers) -> Callable[..., Publisher]:
    """Start a publisher at a port."""
    return publishers.start
