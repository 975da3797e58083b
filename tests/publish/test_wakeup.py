from __future__ import annotations

import threading
import time

from edged.publish.wakeup import Wakeup


def test_a_set_before_the_sleep_ends_it_at_once_and_only_once() -> None:
    wakeup = Wakeup()
    wakeup.set()
    wakeup.set()
    began_s = time.monotonic()
    wakeup.wait(30.0)
    assert time.monotonic() - began_s < 5.0
    wakeup.wait(0.05)
    assert time.monotonic() - began_s >= 0.05
    wakeup.close()


def test_another_thread_ends_the_sleep() -> None:
    wakeup = Wakeup()
    thread = threading.Timer(0.02, wakeup.set)
    thread.start()
    began_s = time.monotonic()
    wakeup.wait(30.0)
    assert time.monotonic() - began_s < 5.0
    thread.join()
    wakeup.close()


def test_after_the_end_nobody_is_woken_and_nobody_is_hurt() -> None:
    wakeup = Wakeup()
    wakeup.close()
    wakeup.set()
    wakeup.clear()
    wakeup.close()
