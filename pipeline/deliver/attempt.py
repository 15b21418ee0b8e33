"""A message on its way, and the ledger: noted right before it goes out, and again once its fate is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline.deliver.channel import Desk
from pipeline.deliver.ledger import Notice
from pipeline.deliver.smtp import DeliveryError, UnansweredError

#: Called each time right before a message goes out.
Begin = Callable[[], None]


def attempt(desk: Desk, notices: Sequence[Notice], message_id: str, words: str, carry: Callable[[Begin], None]) -> None:
    """Have ``carry`` take a message to where it goes, and note in the ledger and the result what became of it.

    Args:
        words: the message as a line names it.
        carry: gets what it is to call each time right before the message goes out.
    """
    book, delivered = desk.ledger, desk.delivered
    has_begun = False

    def begin() -> None:
        nonlocal has_begun
        if has_begun:
            book.failed(notices, "it was not taken; tried again in the same run")
        has_begun = True
        book.sending(notices, message_id)

    try:
        carry(begin)
    except UnansweredError as error:
        book.unknown(notices, str(error))
        delivered.unknown.append(f"{words}: {error}")
    except DeliveryError as error:
        book.failed(notices, str(error))
        delivered.failed.append(f"{words}: {error}")
    else:
        book.sent(notices)
        delivered.sent.append(words)
