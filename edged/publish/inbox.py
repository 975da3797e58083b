"""Commands as they come in: the good ones to the owner, the others counted and said, a flood held off."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from edged.config.commands import RefusedError
from edged.core.clock import SYSTEM_CLOCK, Clock
from edged.publish.commands import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from edged.config.commands import Command
    from edged.publish.session import Message
    from edged.publish.topics import Topics

COMMANDS_PER_SECOND = 20.0
COMMANDS_AT_ONCE = 40
WARN_EVERY_S = 5.0

log = logging.getLogger(__name__)


class CommandInbox:
    """Reads command messages; one thread calls it.

    ``answer`` is told of each one whether it is obeyed, with the reason if not; a flood gets no answers.
    """

    def __init__(
        self,
        topics: Topics,
        on_command: Callable[[Command], None],
        answer: Callable[[Message, str | None], None],
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._topics = topics
        self._on_command = on_command
        self._answer = answer
        self._clock = clock
        self._allowed = float(COMMANDS_AT_ONCE)
        self._allowed_at_s = clock.monotonic_s()
        self._warn_at_s = clock.monotonic_s()
        self._unsaid = 0
        self.cameras: frozenset[str] = frozenset()
        self.refused = 0

    def receive(self, message: Message) -> None:
        """Obey a message or refuse it; an old one is never obeyed, for it was meant for another moment."""
        target = self._topics.command(message.topic)
        if target is None or (message.is_old and not message.payload):
            return
        try:
            self._check_time(message)
        except RefusedError as refusal:
            self._refuse(message.topic, refusal)
            return
        try:
            command = parse(target, message.payload, self.cameras)
        except RefusedError as refusal:
            self._refuse(message.topic, refusal)
            self._answer(message, str(refusal))
        else:
            self._on_command(command)
            self._answer(message, None)

    def _check_time(self, message: Message) -> None:
        """Let a burst of new ones through, then so many a second; the owner's queue stays as short."""
        if message.is_old:
            msg = "it was retained; commands are obeyed only when they are new, publish it without retain"
            raise RefusedError(msg)
        now_s = self._clock.monotonic_s()
        earned = (now_s - self._allowed_at_s) * COMMANDS_PER_SECOND
        self._allowed = min(COMMANDS_AT_ONCE, self._allowed + earned)
        self._allowed_at_s = now_s
        if self._allowed < 1:
            msg = f"too many commands, more than {COMMANDS_PER_SECOND:g} a second"
            raise RefusedError(msg)
        self._allowed -= 1

    def _refuse(self, topic: str, refusal: RefusedError) -> None:
        self.refused += 1
        now_s = self._clock.monotonic_s()
        if now_s < self._warn_at_s:
            self._unsaid += 1
            return
        more = f" ({self._unsaid} more refused since the last of these lines)" if self._unsaid else ""
        log.warning("command on %s refused: %s%s", ascii(topic[:200])[1:-1], refusal, more)
        self._warn_at_s = now_s + WARN_EVERY_S
        self._unsaid = 0
