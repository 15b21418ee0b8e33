"""A letter as the bytes of a message: text and HTML side by side, the HTML's charts with it, files attached.

Nothing in it is random, so that a message made again is the same to the byte.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from pipeline.config.mail import Mailbox
from pipeline.reports.mail import Letter

#: CRLF, as it goes over the wire; everything beyond ASCII is encoded.
_WIRE = policy.SMTP.clone(cte_type="7bit")
_EMPTY_START = re.compile(rb"(?m)^([A-Za-z-]+):\r\n (?=\S)")
_TYPES = {
    "pdf": ("application", "pdf"),
    "xlsx": ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "csv": ("text", "csv"),
    "json": ("application", "json"),
    "html": ("text", "html"),
    "md": ("text", "markdown"),
    "parquet": ("application", "vnd.apache.parquet"),
}


@dataclass(frozen=True)
class Attachment:
    """A file beside the letter; its name is ours."""

    name: str
    content: bytes

    @property
    def type(self) -> tuple[str, str]:
        """Its media type."""
        return _TYPES.get(self.name.rpartition(".")[2], ("application", "octet-stream"))


def compose(
    letter: Letter,
    *,
    sender: Mailbox,
    to: str,
    reply_to: Mailbox | None,
    message_id: str,
    made_at: datetime,
    attachments: Sequence[Attachment] = (),
) -> bytes:
    """Return the message to one recipient, lines ending in CRLF."""
    message = EmailMessage(policy.SMTP)
    message["From"] = sender.header
    message["To"] = Address(addr_spec=to)
    if reply_to is not None:
        message["Reply-To"] = reply_to.header
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(made_at.replace(tzinfo=UTC, microsecond=0))
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    page = message.get_body(("html",))
    assert isinstance(page, EmailMessage)
    for image in letter.images:
        page.add_related(
            image.png,
            "image",
            "png",
            cid=f"<{image.cid}>",
            filename=f"{image.cid.partition('@')[0]}.png",
            disposition="inline",
        )
    for each in attachments:
        main, sub = each.type
        message.add_attachment(each.content, main, sub, filename=each.name)
    _name_boundaries(message, message_id)
    return _begun(message.as_bytes(policy=_WIRE))


def _begun(content: bytes) -> bytes:
    """Begin each header's value on the line of its name: the library folds some before it, which reads as a space."""
    head, blank, rest = content.partition(b"\r\n\r\n")
    return _EMPTY_START.sub(rb"\1: ", head) + blank + rest


def _name_boundaries(message: EmailMessage, message_id: str) -> None:
    """Lines that part a message: made of its id, so that they are no others when it is made again."""
    for number, part in enumerate(message.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_{hashlib.sha256(f'{message_id} {number}'.encode()).hexdigest()[:32]}")
