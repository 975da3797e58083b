from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from edged.config import MqttSettings
from edged.core.errors import BrokerError
from edged.publish.probe import probe_broker
from edged.publish.session import Protocol
from tests.parts.broker import Broker, free_port
from tests.parts.mqtt_proxy import MqttProxy, hangs_up_on_5

if TYPE_CHECKING:
    from pathlib import Path


def at(port: int) -> MqttSettings:
    return MqttSettings(host="127.0.0.1", port=port)


def test_it_says_what_the_broker_speaks(broker: Broker) -> None:
    assert probe_broker(at(broker.port)) is Protocol.MQTT_5


def test_an_old_broker_is_found_to_be_old(broker: Broker) -> None:
    proxy = MqttProxy(broker.port, from_client=hangs_up_on_5)
    try:
        assert probe_broker(at(proxy.port)) is Protocol.MQTT_3
    finally:
        proxy.close()


def test_it_says_what_is_in_the_way(tmp_path: Path) -> None:
    port = free_port()
    with pytest.raises(BrokerError, match=re.escape(f"connection refused by 127.0.0.1:{port}")):
        probe_broker(at(port))
    broker = Broker(tmp_path, users={"box": "secret"})
    broker.start()
    try:
        with pytest.raises(BrokerError, match="broker refuses clients without a user name: not authorised"):
            probe_broker(at(broker.port))
    finally:
        broker.kill()
