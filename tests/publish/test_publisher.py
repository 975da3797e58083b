"""What arrives at a real broker."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from edged.config import MqttSettings, Settings
from edged.config.commands import SetConfidence, SetDetect, SetFps
from edged.core.types import CameraState
from edged.publish import payloads
from edged.publish.publisher import Publisher
from tests.parts.broker import Broker
from tests.parts.mqtt_proxy import MqttProxy, slowly
from tests.parts.subscriber import Subscriber
from tests.parts.waiting import wait_for
from tests.publish.conftest import BASE
from tests.publish.facts import a_frame, a_health, a_track, an_event, some_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from edged.config.commands import Command
    from tests.publish.conftest import Publishers

    Start = Callable[..., Publisher]

STATUS = f"{BASE}/status"
HEALTH = f"{BASE}/health"
CAMERA_STATUS = f"{BASE}/front/status"
STATE = f"{BASE}/front/state"
TRACKS = f"{BASE}/front/tracks"
EVENTS = f"{BASE}/front/events"
SNAPSHOT = f"{BASE}/front/snapshot"


@pytest.fixture
def proxy(broker: Broker) -> Iterator[MqttProxy]:
    """A line to the broker that can be cut."""
    made = MqttProxy(broker.port)
    yield made
    made.close()


def ids(subscriber: Subscriber) -> list[str]:
    return [message.json["id"] for message in subscriber.all_of(EVENTS)]


def test_facts_arrive_with_the_quality_and_retention_of_the_contract(
    broker: Broker, subscriber: Subscriber, start: Start
) -> None:
    publisher = start(broker.port)
    subscriber.wait_payload(STATUS, b"online")
    publisher.camera_status("front", online=True)
    publisher.camera_state(some_facts(1))
    publisher.health(a_health())
    publisher.snapshot("front", b"\xff\xd8jpeg\xff\xd9")
    publisher.tracks(a_frame(a_track()))
    publisher.event(an_event(1))
    sent = {
        STATUS: (b"online", 1, True),
        HEALTH: (payloads.health(a_health()), 1, True),
        CAMERA_STATUS: (b"online", 1, True),
        STATE: (payloads.camera_state(some_facts(1)), 1, True),
        SNAPSHOT: (b"\xff\xd8jpeg\xff\xd9", 0, True),
        TRACKS: (payloads.tracks(a_frame(a_track())), 0, False),
        EVENTS: (payloads.event(an_event(1)), 1, False),
    }
    for topic, (payload, qos, _) in sent.items():
        subscriber.wait_payload(topic, payload)
        assert subscriber.all_of(topic)[-1].qos == qos
    late = Subscriber(broker.port)
    late.wait_for(lambda: all(late.all_of(topic) for topic, (*_, retained) in sent.items() if retained))
    for topic, (payload, _, retained) in sent.items():
        kept = [(message.payload, message.retain) for message in late.all_of(topic)]
        assert kept == ([(payload, True)] if retained else [])
    late.close()


def test_tracks_are_sent_while_there_are_any_and_once_when_the_last_has_left(
    broker: Broker, subscriber: Subscriber, start: Start
) -> None:
    publisher = start(broker.port)
    wait_for(lambda: publisher.broker_health().connected, 5, "connected")
    frames = [a_frame(*([a_track()] if n in (3, 4, 7) else []), number=n) for n in range(10)]
    for frame in frames:
        publisher.tracks(frame)
    subscriber.wait_for(lambda: len(subscriber.all_of(TRACKS)) >= 5)
    publisher.event(an_event(1))
    subscriber.wait_for(lambda: ids(subscriber))
    numbers = [message.json["frame"]["number"] for message in subscriber.all_of(TRACKS)]
    assert numbers == [3, 4, 5, 7, 8]


def test_that_the_last_track_has_left_is_said_after_an_outage_too(
    subscriber: Subscriber, start: Start, proxy: MqttProxy
) -> None:
    publisher = start(proxy.port)
    wait_for(lambda: publisher.broker_health().connected, 5, "connected")
    publisher.tracks(a_frame(a_track(), number=1))
    subscriber.wait_for(lambda: subscriber.all_of(TRACKS))
    proxy.cut()
    wait_for(lambda: not publisher.broker_health().connected, 5, "the loss is noticed")
    publisher.tracks(a_frame(number=2))
    proxy.mend()
    wait_for(lambda: publisher.broker_health().connected, 5, "connected again")
    publisher.tracks(a_frame(number=3))
    publisher.tracks(a_frame(number=4))
    publisher.event(an_event(1))
    subscriber.wait_for(lambda: ids(subscriber))
    subscriber.wait_for(lambda: len(subscriber.all_of(TRACKS)) == 2)
    assert [message.json["frame"]["number"] for message in subscriber.all_of(TRACKS)] == [1, 3]


def test_the_state_comes_at_most_once_a_second_and_the_last_comes(
    broker: Broker, subscriber: Subscriber, start: Start
) -> None:
    publisher = start(broker.port)
    subscriber.wait_payload(STATUS, b"online")
    began_s = time.monotonic()
    for count in range(200):
        publisher.camera_state(some_facts(count))
    subscriber.wait_payload(STATE, payloads.camera_state(some_facts(199)))
    assert len(subscriber.all_of(STATE)) <= 2
    assert len(subscriber.all_of(STATE)) == 1 or time.monotonic() - began_s > 0.9


def test_a_clean_stop_says_offline_for_the_box_and_its_cameras(
    broker: Broker, subscriber: Subscriber, start: Start
) -> None:
    publisher = start(broker.port)
    publisher.camera_status("front", online=True)
    subscriber.wait_payload(CAMERA_STATUS, b"online")
    for number in range(50):
        publisher.event(an_event(number))
    publisher.stop()
    subscriber.wait_payload(STATUS, b"offline")
    subscriber.wait_payload(CAMERA_STATUS, b"offline")
    assert len(ids(subscriber)) == 50, "what had happened is told before the goodbye"
    assert subscriber.payloads(STATUS) == [b"online", b"offline"], "said once, so not by the will too"
    assert not publisher.broker_health().connected


def test_the_broker_says_offline_when_we_vanish(broker: Broker, subscriber: Subscriber, start: Start) -> None:
    proxy = MqttProxy(broker.port)
    start(proxy.port)
    subscriber.wait_payload(STATUS, b"online")
    proxy.close()
    subscriber.wait_payload(STATUS, b"offline")


def test_a_broker_that_lost_its_memory_is_told_everything_again(
    broker: Broker, start: Start, proxy: MqttProxy
) -> None:
    publisher = start(proxy.port, cameras=("front", "yard"))
    publisher.camera_status("front", online=True)
    publisher.camera_state(some_facts(1))
    publisher.health(a_health())
    publisher.snapshot("front", b"first")
    wait_for(lambda: publisher.broker_health().connected, 5, "connected")
    broker.kill()
    wait_for(lambda: not publisher.broker_health().connected, 5, "the loss is noticed")
    publisher.snapshot("front", b"newer")
    broker.start()
    subscriber = Subscriber(broker.port)
    told = {
        STATUS: b"online",
        CAMERA_STATUS: b"online",
        f"{BASE}/yard/status": b"offline",
        STATE: payloads.camera_state(some_facts(1)),
        HEALTH: payloads.health(a_health()),
        SNAPSHOT: b"newer",
    }
    for topic, payload in told.items():
        subscriber.wait_payload(topic, payload)
    subscriber.close()


def test_events_of_an_outage_arrive_once_in_order_and_with_their_own_times(
    broker: Broker, start: Start, proxy: MqttProxy
) -> None:
    publisher = start(proxy.port)
    wait_for(lambda: publisher.broker_health().connected, 5, "connected")
    proxy.cut()
    wait_for(lambda: not publisher.broker_health().connected, 5, "the loss is noticed")
    broker.kill()
    for number in range(2_000):
        publisher.event(an_event(number))
    assert publisher.broker_health().events_waiting == 2_000
    broker.start()
    subscriber = Subscriber(broker.port)
    proxy.mend()
    subscriber.wait_for(lambda: len(subscriber.all_of(EVENTS)) >= 2_000, 20)
    subscriber.wait_for(lambda: subscriber.payloads(STATUS) == [b"online"])
    assert ids(subscriber) == [f"event-{number:05}" for number in range(2_000)]
    times = [message.json["timestamp"] for message in subscriber.all_of(EVENTS)]
    assert times == [1763600000.0 + number for number in range(2_000)]
    wait_for(lambda: publisher.broker_health().events_waiting == 0, 5, "all confirmed")
    subscriber.close()


def test_a_line_that_is_cut_again_and_again_loses_no_event_and_turns_none_around(
    subscriber: Subscriber, start: Start, proxy: MqttProxy
) -> None:
    publisher = start(proxy.port)
    for cut in range(5):
        for number in range(cut * 300, (cut + 1) * 300):
            publisher.event(an_event(number))
        subscriber.wait_for(lambda cut=cut: len(ids(subscriber)) > cut * 300 + 100, 20)  # type: ignore[misc]
        proxy.cut()
        proxy.mend()
    last = f"event-{1_499:05}"
    subscriber.wait_for(lambda: ids(subscriber)[-1:] == [last], 20)
    came = ids(subscriber)
    assert sorted(set(came)) == [f"event-{number:05}" for number in range(1_500)]
    assert came == sorted(came)
    assert len(came) <= 1_500 + 5, "only the one under way may come twice, with the same id"


def test_a_frozen_broker_costs_tracks_and_nothing_else(
    broker: Broker, subscriber: Subscriber, start: Start
) -> None:
    publisher = start(broker.port, keepalive_s=60)
    subscriber.wait_payload(STATUS, b"online")
    broker.freeze()
    crowd = a_frame(*[a_track(track_id=number) for number in range(100)])
    message_bytes = len(payloads.tracks(crowd))
    began_s = time.monotonic()
    for _ in range(2_000):
        publisher.tracks(crowd)
    assert time.monotonic() - began_s < 20, "the caller is not held up"
    for number in range(20):
        publisher.event(an_event(number))
        publisher.health(a_health(latency_ms=float(number)))
    known = publisher.broker_health()
    assert known.events_waiting == 20
    # What is not dropped is in the sockets of the two, of a few megabytes each, or in the short queue.
    assert (2_000 - known.tracks_dropped) * message_bytes < 16_000_000
    assert known.tracks_dropped > 500
    broker.thaw()
    subscriber.wait_for(lambda: len(ids(subscriber)) >= 20, 20)
    assert ids(subscriber) == [f"event-{number:05}" for number in range(20)]
    subscriber.wait_payload(HEALTH, payloads.health(a_health(latency_ms=19.0)))
    assert len(subscriber.all_of(HEALTH)) <= 2, "only the newest waits"
    assert publisher.broker_health().connected


def test_a_slow_broker_costs_tracks_and_keeps_events_in_order(
    broker: Broker, subscriber: Subscriber, start: Start
) -> None:
    proxy = MqttProxy(broker.port, from_client=slowly)
    publisher = start(proxy.port, keepalive_s=60)
    subscriber.wait_payload(STATUS, b"online")
    crowd = a_frame(*[a_track(track_id=number) for number in range(100)])
    for number in range(2_000):
        publisher.tracks(crowd)
        if number % 200 == 0:
            publisher.event(an_event(number))
    assert publisher.broker_health().tracks_dropped > 500
    subscriber.wait_for(lambda: len(ids(subscriber)) == 10, 30)
    assert ids(subscriber) == [f"event-{number:05}" for number in range(0, 2_000, 200)]
    wait_for(lambda: publisher.broker_health().events_waiting == 0, 5, "all confirmed")
    sent = 2_000 - publisher.broker_health().tracks_dropped
    subscriber.wait_for(lambda: len(subscriber.all_of(TRACKS)) == sent, 10)
    proxy.close()


def test_a_broker_that_stays_frozen_is_noticed_and_given_everything_when_it_is_back(
    broker: Broker, subscriber: Subscriber, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    publisher = start(broker.port, keepalive_s=1)
    subscriber.wait_payload(STATUS, b"online")
    broker.freeze()
    for number in range(10):
        publisher.event(an_event(number))
    wait_for(lambda: not publisher.broker_health().connected, 10, "the silence is noticed")
    assert "no broker: the broker stopped answering" in caplog.messages
    broker.thaw()
    subscriber.wait_for(lambda: ids(subscriber)[-1:] == ["event-00009"], 20)
    came = ids(subscriber)
    assert list(dict.fromkeys(came)) == [f"event-{number:05}" for number in range(10)]
    assert len(came) <= 11, "only the one under way may come twice, with the same id"
    wait_for(lambda: publisher.broker_health().connected, 10, "connected again")
    subscriber.wait_payload(STATUS, b"online", 10)


def test_a_last_will_that_comes_late_is_contradicted(
    broker: Broker, subscriber: Subscriber, start: Start
) -> None:
    start(broker.port)
    subscriber.wait_payload(STATUS, b"online")
    subscriber.publish(STATUS, b"offline", retain=True)
    subscriber.wait_for(lambda: subscriber.payloads(STATUS) == [b"online", b"offline", b"online"])


def test_a_camera_that_is_gone_leaves_nothing_behind(
    broker: Broker, subscriber: Subscriber, start: Start
) -> None:
    publisher = start(broker.port, cameras=("front", "yard"))
    publisher.camera_status("front", online=True)
    publisher.camera_state(some_facts(1))
    publisher.snapshot("front", b"jpeg")
    subscriber.wait_payload(SNAPSHOT, b"jpeg")
    publisher.set_cameras(["yard"])
    publisher.camera_status("front", online=True)  # a late word of its pipeline
    for topic in (CAMERA_STATUS, STATE, SNAPSHOT):
        subscriber.wait_payload(topic, b"")
    publisher.health(a_health(CameraState.LOST))
    subscriber.wait_for(lambda: subscriber.all_of(HEALTH))
    late = Subscriber(broker.port)
    late.wait_for(lambda: late.all_of(f"{BASE}/yard/status"))
    assert not [topic for topic in (CAMERA_STATUS, STATE, SNAPSHOT) if late.all_of(topic)]
    late.close()


def test_a_camera_that_went_while_we_were_away_is_forgotten_too(
    broker: Broker, subscriber: Subscriber, start: Start
) -> None:
    subscriber.publish(f"{BASE}/old/status", b"offline", retain=True)
    subscriber.publish(f"{BASE}/old/state", b'{"camera_id":"old"}', retain=True)
    subscriber.publish(f"{BASE}/other/state", b'{"camera_id":"of somebody else"}', retain=True)
    subscriber.publish(STATE, payloads.camera_state(some_facts(3)), retain=True)
    start(broker.port)
    subscriber.wait_payload(f"{BASE}/old/state", b"")
    subscriber.wait_payload(f"{BASE}/old/status", b"")
    late = Subscriber(broker.port)
    late.wait_for(lambda: late.all_of(STATE))
    late.wait_for(lambda: late.all_of(f"{BASE}/other/state"))
    assert late.all_of(f"{BASE}/old/status") == []
    late.close()


def test_commands_reach_the_owner_and_old_ones_do_not(
    broker: Broker, subscriber: Subscriber, publishers: Publishers
) -> None:
    subscriber.publish(f"{BASE}/front/set/detect", b"OFF", retain=True)
    publisher = publishers.start(broker.port)
    wait_for(lambda: publisher.broker_health().commands_refused == 1, 5, "the retained one is refused")
    subscriber.publish(f"{BASE}/front/set/confidence", b"0.7")
    subscriber.publish(f"{BASE}/front/set/detect", b"ON")
    wait_for(lambda: len(publishers.commands) == 2, 5, "two commands")
    assert publishers.commands == [SetConfidence("front", 0.7), SetDetect("front", enabled=True)]


def test_garbage_and_floods_are_counted_and_hurt_nobody(
    broker: Broker, subscriber: Subscriber, publishers: Publishers
) -> None:
    publisher = publishers.start(broker.port)
    subscriber.wait_payload(STATUS, b"online")
    for _ in range(3_000):
        subscriber.publish(f"{BASE}/front/set/fps", b"\x00\xffNaN", qos=0)
    subscriber.publish(f"{BASE}/front/set/fps", b"9" * 50_000)
    subscriber.publish(
        f"{BASE}/front/set/fps", b"9" * 1_000_000
    )  # over what we tell an MQTT 5 broker to send
    wait_for(lambda: publisher.broker_health().commands_refused == 3_001, 20, "all are refused")
    publisher.event(an_event(1))
    subscriber.wait_for(lambda: ids(subscriber) == ["event-00001"])
    assert publishers.commands == []
    assert publisher.broker_health().connected


def test_pictures_expire(broker: Broker, subscriber: Subscriber, start: Start) -> None:
    publisher = start(broker.port)
    subscriber.wait_payload(STATUS, b"online")
    publisher.snapshot("front", b"newest")
    publisher.event_snapshot("front", "e1", b"of an event")
    publisher.camera_state(some_facts(1))
    subscriber.wait_for(lambda: subscriber.all_of(f"{EVENTS}/e1/snapshot") and subscriber.all_of(SNAPSHOT))
    subscriber.wait_for(lambda: subscriber.all_of(STATE))
    expiries = [subscriber.all_of(topic)[0].expires_s for topic in (SNAPSHOT, f"{EVENTS}/e1/snapshot", STATE)]
    assert expiries == [24 * 3600, 60, None]


def test_who_names_a_response_topic_is_answered(
    broker: Broker, subscriber: Subscriber, publishers: Publishers
) -> None:
    publishers.start(broker.port)
    subscriber.wait_payload(STATUS, b"online")
    where: dict[str, Any] = {"ResponseTopic": "tests/answers", "CorrelationData": b"17"}
    subscriber.publish(f"{BASE}/front/set/fps", b"2", MessageExpiryInterval=30, **where)
    subscriber.publish(f"{BASE}/front/set/fps", b"fast", **where)
    for elsewhere in (STATE, f"{BASE}/front/set/fps", BASE, "$SYS/x"):  # a command must not forge our words
        subscriber.publish(f"{BASE}/front/set/fps", b"3", ResponseTopic=elsewhere)
    wait_for(lambda: len(publishers.commands) == 5, 5, "every good command")
    subscriber.wait_for(lambda: len(subscriber.all_of("tests/answers")) == 2)
    answers = subscriber.all_of("tests/answers")
    assert [each.correlation for each in answers] == [b"17", b"17"]
    assert [each.json["accepted"] for each in answers] == [True, False]
    assert answers[1].json["error"] == "expected a number from 0.1 to 30, got 'fast'"
    assert [each.payload for each in subscriber.all_of(f"{BASE}/front/set/fps")] == [
        b"2",
        b"fast",
        *[b"3"] * 4,
    ]


def test_a_command_that_was_sent_while_the_box_was_away_is_not_obeyed_later(
    broker: Broker, subscriber: Subscriber, publishers: Publishers
) -> None:
    publishers.start(broker.port).stop()
    subscriber.publish(f"{BASE}/front/set/fps", b"2")
    publishers.start(broker.port)
    subscriber.wait_payload(STATUS, b"online")
    subscriber.publish(f"{BASE}/front/set/fps", b"3")
    wait_for(lambda: publishers.commands, 5, "the new one")
    assert publishers.commands == [SetFps("front", 3.0)]


def test_two_boxes_on_one_broker_leave_each_other_alone(broker: Broker, subscriber: Subscriber) -> None:
    heard: dict[str, list[Command]] = {"north": [], "north2": []}
    boxes = {
        name: Publisher(
            MqttSettings(host="127.0.0.1", port=broker.port),
            base_topic=f"edged/{name}",
            client_id=f"edged-{name}",
            on_command=heard[name].append,
        )
        for name in heard
    }
    for name, each in boxes.items():
        each.set_cameras(["front"])
        each.start()
        subscriber.wait_payload(f"edged/{name}/status", b"online")
        each.camera_status("front", online=True)
        each.camera_state(some_facts(1))
    subscriber.publish("edged/north/front/set/fps", b"2")
    wait_for(lambda: heard["north"], 5, "the command")
    boxes["north"].set_cameras([])
    boxes["north"].stop()
    subscriber.wait_payload("edged/north/front/state", b"")
    subscriber.wait_payload("edged/north/status", b"offline")
    assert heard["north2"] == []
    assert subscriber.payloads("edged/north2/front/status")[-1] == b"online"
    assert subscriber.payloads("edged/north2/front/state") == [payloads.camera_state(some_facts(1))]
    boxes["north2"].stop()


def test_a_broker_that_keeps_its_memory_is_set_right(tmp_path: Path, start: Start) -> None:
    """What it remembers is from before; what has changed while it was away must not stay wrong."""
    broker = Broker(tmp_path, remembers=True)
    broker.start()
    publisher = start(broker.port)
    publisher.camera_status("front", online=True)
    publisher.camera_state(some_facts(1))
    wait_for(lambda: publisher.broker_health().connected, 5, "connected")
    early = Subscriber(broker.port)
    early.wait_payload(STATE, payloads.camera_state(some_facts(1)))
    early.close()
    broker.stop()
    wait_for(lambda: not publisher.broker_health().connected, 5, "the loss is noticed")
    publisher.camera_status("front", online=False)
    publisher.camera_state(some_facts(0))
    broker.start()
    late = Subscriber(broker.port)
    assert any(each.retain for each in late.everything()) or not late.everything()
    for topic, payload in {
        STATUS: b"online",
        CAMERA_STATUS: b"offline",
        STATE: payloads.camera_state(some_facts(0)),
    }.items():
        late.wait_payload(topic, payload)
    late.close()
    broker.kill()


@pytest.mark.parametrize("camera_id", ["+", "#", "a/b", "..", "$SYS", "", "\x00"])
def test_what_would_be_a_wildcard_is_no_camera(camera_id: str) -> None:
    with pytest.raises(ValidationError, match=r"String should match pattern|at least 1 character"):
        Settings.model_validate({"model": {"file": __file__}, "cameras": {camera_id: {"url": "rtsp://a/"}}})


@pytest.mark.parametrize("fault", ["dead", "frozen", "never there"])
def test_a_stop_takes_no_longer_than_it_may(broker: Broker, start: Start, fault: str) -> None:
    if fault == "never there":
        broker.kill()
    publisher = start(broker.port)
    if fault != "never there":
        wait_for(lambda: publisher.broker_health().connected, 5, "connected")
        broker.freeze() if fault == "frozen" else broker.kill()
    for number in range(100):
        publisher.event(an_event(number))
    began_s = time.monotonic()
    publisher.stop()
    assert time.monotonic() - began_s < 1.6
    publisher.event(an_event(101))
    publisher.stop()


def test_a_publisher_that_was_never_started_can_be_stopped(publishers: Publishers) -> None:
    publisher = publishers.start(1)
    publisher.stop()
    assert not publisher.broker_health().connected
