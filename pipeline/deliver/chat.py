"""A message to a chat room, a phone or the like by apprise, and what became of it.

Apprise says yes or no. Of a no its log tells more: an answer of the service means that it was not taken, and so does a
connection that was never made. Of anything else nobody can say, and it is not sent again.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.deliver.smtp import DeliveryError, UnansweredError
from pipeline.deliver.webhook import hushed
from pipeline.reports.figures import clean

if TYPE_CHECKING:
    import apprise

#: Who writes, where a service shows that.
SENDER = "Costmill"
#: What services take at least, whatever they say of themselves.
SHORTEST_BODY = 130
_REFUSED = re.compile(r"\berror=(?P<code>[0-9]{3})\b")
_NOT_CONNECTED = ("NewConnectionError", "NameResolutionError", "ConnectTimeout", "Connection refused", "SSLError")
#: What chat programs make mentions, links and mark-up of (an underscore within a word is none); names come from bills.
_LOUD = re.compile(r"[<>@*`~|\[\]#]|(?<!\w)_|_(?!\w)|(?i:\b(?:https?|ftp|mailto)(?=:)|\bwww(?=\.))")
_JOINER = "\N{WORD JOINER}"
_TWINS = {"<": "‹", ">": "›", "*": "∗", "_": "＿", "`": "ˋ", "~": "∼", "|": "¦", "[": "［", "]": "］", "#": "＃"}


@dataclass(frozen=True)
class Room:
    """A place that apprise can write to, and how long a message may be there."""

    name: str
    address: str

    def body_length(self) -> int:
        """Characters of a message's text, at most.

        Raises:
            DeliveryError: when apprise does not know the address.
        """
        service = self._service()
        return max(SHORTEST_BODY, int(service.body_maxlen) - int(service.title_maxlen or 250))

    def write(self, title: str, body: str) -> None:
        """Have the service take one message.

        Raises:
            UnansweredError: when nobody can say whether it did.
            DeliveryError: when it did not.
        """
        import apprise

        service = self._service()
        with _listened() as lines:
            try:
                taken = service.notify(body=body, title=title, body_format=apprise.NotifyFormat.TEXT)
            except Exception as error:  # each of its 180 services may fail in its own way
                raise UnansweredError(f"{self.name}: apprise broke off: {type(error).__name__}") from None
        if taken:
            return
        said = "\n".join(lines)
        if refused := _REFUSED.search(said):
            code = int(refused["code"])
            raise DeliveryError(f"{self.name}: the service answered {code}", retry=code == 429 or code >= 500)
        if any(word in said for word in _NOT_CONNECTED):
            raise DeliveryError(f"{self.name}: the service cannot be reached", retry=True)
        raise UnansweredError(f"{self.name}: the service did not say whether it took the message")

    def _service(self) -> apprise.NotifyBase:
        import apprise

        ours = apprise.AppriseAsset(app_id=SENDER, app_desc=SENDER, app_url="", image_url_mask="", image_url_logo="")
        with _listened():  # its complaints have the address in them
            found = apprise.Apprise.instantiate(self.address, asset=ours, suppress_exceptions=True)
        if not isinstance(found, apprise.NotifyBase):
            raise DeliveryError(
                f"{self.name}: apprise does not know this address; see its list of services", retry=False
            )
        return found


def quiet(text: str, longest: int = 80) -> str:
    """A name from a bill as chat text: on one line, cut, and without anything that mentions, links or marks up."""
    return _LOUD.sub(lambda found: _TWINS.get(found[0], found[0] + _JOINER), clean(text, longest))


@contextmanager
def _listened() -> Iterator[list[str]]:
    """Take what apprise logs, and keep it from everybody else: there are addresses in it."""
    lines: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    logger, listener = logging.getLogger("apprise"), Listener(logging.DEBUG)
    before = (logger.level, logger.propagate, logger.handlers[:])
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.handlers[:] = [listener]
    try:
        with hushed():
            yield lines
    finally:
        logger.level, logger.propagate, logger.handlers[:] = before[0], before[1], before[2]
