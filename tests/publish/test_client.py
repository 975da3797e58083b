"""Brokers that refuse, speak otherwise, or throw us out: what is done and what is said."""

from __future__ import annotations

import logging
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from edged.publish import session
from tests.parts.broker import Broker, Certificates, free_port
from tests.parts.mqtt_proxy import (
    MqttProxy,
    as_it_is,
    denies_subscriptions,
    gives_the_session_away,
    hangs_up_on_5,
    says_why_it_hangs_up,
    speaks_only_3,
)
from tests.parts.subscriber import Subscriber
from tests.parts.waiting import wait_for
from tests.publish.conftest import BASE
from tests.publish.facts import a_frame, a_health, a_track, an_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from edged.publish.publisher import Publisher

    Start = Callable[..., Publisher]

STATUS = f"{BASE}/status"
EVENTS = f"{BASE}/front/events"


@pytest.fixture
def make_broker(tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    """Start a broker that asks for something."""
    made: list[Broker] = []

    def make(**options: Any) -> Broker:
        made.append(Broker(tmp_path, **options))
        made[-1].start()
        return made[-1]

    yield make
    for broker in made:
        broker.kill()


@pytest.fixture
def make_proxy() -> Iterator[Callable[..., MqttProxy]]:
    """Put a proxy before a broker."""
    made: list[MqttProxy] = []

    def make(*arguments: Any, **rules: Any) -> MqttProxy:
        made.append(MqttProxy(*arguments, **rules))
        return made[-1]

    yield make
    for proxy in made:
        proxy.close()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.make(tmp_path_factory.mktemp("certificates"))


def wait_for_reason(publisher: Publisher, *parts: str, deadline_s: float = 10.0) -> None:
    wait_for(
        lambda: all(part in publisher.broker_health().reason for part in parts),
        deadline_s,
        f"{parts} in the reason",
    )


def wait_connected(publisher: Publisher, deadline_s: float = 5.0) -> None:
    wait_for(lambda: publisher.broker_health().connected, deadline_s, "connected")


def test_the_health_names_the_broker_and_the_protocol(broker: Broker, start: Start) -> None:
    publisher = start(broker.port)
    wait_connected(publisher)
    known = publisher.broker_health()
    assert (known.reason, known.protocol) == ("connected", "MQTT 5")
    assert known.address == f"127.0.0.1:{broker.port}"


class TestRefusals:
    def test_a_good_password_opens(self, make_broker: Callable[..., Broker], start: Start) -> None:
        broker = make_broker(users={"box": "secret"})
        wait_connected(start(broker.port, username="box", password=SecretStr("secret")))

    def test_a_wrong_password_is_said_once_and_never_shown(
        self, make_broker: Callable[..., Broker], start: Start, caplog: pytest.LogCaptureFixture
    ) -> None:
        broker = make_broker(users={"box": "secret"})
        publisher = start(broker.port, username="box", password=SecretStr("hunter2"))
        wait_for_reason(publisher, "broker refuses user 'box': not authorised")
        broker.stop()
        wait_for_reason(publisher, "connection refused")
        said = [message for message in caplog.messages if message.startswith("no broker")]
        assert [message[:30] for message in said] == [
            "no broker: broker refuses user",
            "no broker: connection refused ",
        ]
        assert "hunter2" not in caplog.text

    def test_no_user_name_is_said(self, make_broker: Callable[..., Broker], start: Start) -> None:
        broker = make_broker(users={"box": "secret"})
        wait_for_reason(start(broker.port), "broker refuses clients without a user name: not authorised")

    def test_a_topic_that_is_denied_is_said_and_blocks_nothing(
        self, make_broker: Callable[..., Broker], start: Start, caplog: pytest.LogCaptureFixture
    ) -> None:
        broker = make_broker(
            users={"box": "secret", "all": "secret"},
            acl=f"user box\ntopic write {STATUS}\ntopic write {EVENTS}\nuser all\ntopic readwrite #\n",
        )
        subscriber = Subscriber(broker.port, user="all", password="secret")
        publisher = start(broker.port, username="box", password=SecretStr("secret"))
        publisher.health(a_health())
        publisher.event(an_event(1))
        subscriber.wait_payload(STATUS, b"online")
        subscriber.wait_for(lambda: subscriber.all_of(EVENTS))
        said = f"the broker does not take {BASE}/health: not authorised"
        wait_for(lambda: said in caplog.messages, 5, "the denial is said")
        assert publisher.broker_health().connected
        subscriber.close()

    def test_what_is_too_large_for_the_broker_is_not_sent_and_said(
        self, make_broker: Callable[..., Broker], start: Start, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        broker = make_broker(largest_packet_bytes=2_000)
        publisher = start(broker.port)
        wait_connected(publisher)
        publisher.snapshot("front", bytes(5_000))
        publisher.tracks(a_frame(*[a_track(track_id=number) for number in range(50)]))
        said = f"the broker does not take {BASE}/front/snapshot: 5058 bytes are more than its limit of 2000"
        wait_for(lambda: said in caplog.messages, 5, "the limit is said")
        wait_for(lambda: publisher.broker_health().tracks_dropped == 1, 5, "the tracks are counted")
        subscriber = Subscriber(broker.port)
        publisher.event(an_event(1))
        subscriber.wait_for(lambda: subscriber.all_of(EVENTS))
        assert caplog.text.count("connected to the broker") == 1
        subscriber.close()

    def test_a_denied_subscription_is_said(
        self,
        broker: Broker,
        make_proxy: Callable[..., MqttProxy],
        start: Start,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        start(make_proxy(broker.port, from_broker=denies_subscriptions).port)
        said = f"the broker does not let us subscribe to {BASE}/+/set/+: not authorised"
        wait_for(lambda: said in caplog.text, 5, "the denial is said")


def test_what_the_broker_says_of_its_reasons_is_passed_on(
    broker: Broker, make_proxy: Callable[..., MqttProxy], start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    start(make_proxy(broker.port, from_broker=says_why_it_hangs_up).port)
    said = "no broker: the broker closed the connection: quota exceeded (too\\nmuch for me)"
    wait_for(lambda: said in caplog.messages, 5, lambda: str(caplog.messages))


class TestSameClientId:
    def test_a_broker_that_says_it_is_quoted(
        self,
        broker: Broker,
        make_proxy: Callable[..., MqttProxy],
        start: Start,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        proxy = make_proxy(broker.port, from_broker=gives_the_session_away)
        start(proxy.port, client_id="twin")
        wait_for(lambda: proxy.connections > 3, 5, "several connections")
        said = "no broker: another client uses the same client_id 'twin'"
        assert caplog.messages.count(said) == 1

    @pytest.mark.parametrize("speaks", [as_it_is, speaks_only_3])
    def test_where_the_broker_says_nothing_it_is_guessed(
        self,
        broker: Broker,
        make_proxy: Callable[..., MqttProxy],
        start: Start,
        caplog: pytest.LogCaptureFixture,
        speaks: Callable[[bytes], bytes],
    ) -> None:
        proxy = make_proxy(broker.port, from_client=speaks)
        wait_connected(start(proxy.port, client_id="twin"))
        start(proxy.port, client_id="twin")
        said = "perhaps another client uses the same client_id 'twin'"
        wait_for(lambda: said in caplog.text, 10, "the twin is guessed")


class TestProtocols:
    @pytest.mark.parametrize("rule", [speaks_only_3, hangs_up_on_5])
    def test_an_old_broker_is_spoken_to_in_its_own_words(
        self,
        broker: Broker,
        make_proxy: Callable[..., MqttProxy],
        start: Start,
        rule: Callable[[bytes], bytes],
    ) -> None:
        publisher = start(make_proxy(broker.port, from_client=rule).port)
        wait_connected(publisher)
        assert publisher.broker_health().protocol == "MQTT 3.1.1"
        subscriber = Subscriber(broker.port)
        publisher.event(an_event(1))
        subscriber.wait_payload(STATUS, b"online")
        subscriber.wait_for(lambda: subscriber.all_of(EVENTS))
        publisher.stop()
        subscriber.wait_payload(STATUS, b"offline")
        subscriber.close()

    def test_what_a_broker_has_refused_in_words_it_is_not_asked_again(
        self, broker: Broker, make_proxy: Callable[..., MqttProxy], start: Start
    ) -> None:
        proxy = make_proxy(broker.port, from_client=speaks_only_3)
        publisher = start(proxy.port)
        wait_connected(publisher)
        assert proxy.connections == 2
        proxy.cut()
        wait_for(lambda: not publisher.broker_health().connected, 5, "the loss is noticed")
        proxy.mend()
        wait_connected(publisher)
        assert proxy.connections == 3

    def test_commands_over_mqtt_3_may_be_huge_and_are_refused(
        self, broker: Broker, make_proxy: Callable[..., MqttProxy], start: Start, subscriber: Subscriber
    ) -> None:
        publisher = start(make_proxy(broker.port, from_client=speaks_only_3).port)
        subscriber.wait_payload(STATUS, b"online")
        subscriber.publish(f"{BASE}/front/set/fps", b"9" * 1_000_000)
        wait_for(lambda: publisher.broker_health().commands_refused == 1, 5, "it is refused")
        assert publisher.broker_health().connected


class TestTls:
    def settings(self, certificates: Certificates, **changes: Any) -> dict[str, Any]:
        return {
            "tls": True,
            "ca_file": certificates.ca,
            "cert_file": certificates.certificate("client"),
            "key_file": certificates.key("client"),
        } | changes

    def test_both_sides_show_their_certificate(
        self, make_broker: Callable[..., Broker], start: Start, certificates: Certificates
    ) -> None:
        broker = make_broker(certificates=certificates)
        publisher = start(broker.port, **self.settings(certificates))
        wait_connected(publisher)
        for number in range(300):
            publisher.event(an_event(number))
        wait_for(lambda: publisher.broker_health().events_waiting == 0, 10, "events arrive over TLS")

    def test_a_broker_of_an_unknown_authority_is_not_trusted(
        self, make_broker: Callable[..., Broker], start: Start, certificates: Certificates
    ) -> None:
        broker = make_broker(certificates=certificates)
        wait_for_reason(start(broker.port, **self.settings(certificates, ca_file=None)), "is not trusted: ")

    def test_a_missing_client_certificate_is_said(
        self, make_broker: Callable[..., Broker], start: Start, certificates: Certificates
    ) -> None:
        broker = make_broker(certificates=certificates)
        settings = self.settings(certificates, cert_file=None, key_file=None)
        wait_for_reason(start(broker.port, **settings), "perhaps it wants a client certificate")

    def test_files_that_are_no_certificates_are_named(
        self, broker: Broker, start: Start, certificates: Certificates, tmp_path: Path
    ) -> None:
        junk = tmp_path / "junk.pem"
        junk.write_text("junk")
        bad_ca = start(broker.port, **self.settings(certificates, ca_file=junk))
        wait_for_reason(bad_ca, f"mqtt.ca_file {junk} cannot be used: no PEM file")
        bad_key = start(broker.port, **self.settings(certificates, key_file=certificates.key("broker")))
        wait_for_reason(bad_key, "mqtt.key_file", "cannot be used: no PEM file, or one that does not fit")
        gone = start(broker.port, **self.settings(certificates, ca_file=tmp_path / "gone"))
        wait_for_reason(gone, "mqtt.ca_file", "cannot be used: no such file")

    def test_a_plain_port_is_no_tls_port(
        self, broker: Broker, start: Start, certificates: Certificates
    ) -> None:
        wait_for_reason(start(broker.port, **self.settings(certificates)), "TLS with 127.0.0.1", "failed")


class TestUnreachable:
    def test_nobody_listens(self, start: Start) -> None:
        wait_for_reason(start(free_port()), "connection refused by 127.0.0.1", "is the broker running?")

    def test_no_such_host(self, start: Start) -> None:
        wait_for_reason(
            start(1883, host="no-such-host.invalid"), "cannot resolve host 'no-such-host.invalid'"
        )

    def test_a_name_that_cannot_be_one(self, start: Start) -> None:
        wait_for_reason(start(1883, host="a..b"), "cannot resolve host 'a..b'")

    def test_something_that_never_says_a_word(self, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(session, "ANSWER_TIMEOUT_S", 0.2)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            publisher = start(listener.getsockname()[1])
            wait_for_reason(publisher, "does not answer as a broker would")

    def test_a_stop_does_not_wait_for_an_answer(self, start: Start) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            publisher = start(listener.getsockname()[1])
            peer, _address = listener.accept()
            began_s = time.monotonic()
            publisher.stop()
            assert time.monotonic() - began_s < 1.0
            peer.close()

    def test_something_that_is_no_broker(self, start: Start) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            publisher = start(port)
            for _ in range(2):
                peer, _address = listener.accept()
                peer.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                peer.close()
            wait_for_reason(publisher, "closed the connection instead of answering")
