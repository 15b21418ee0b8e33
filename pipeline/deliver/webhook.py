"""A signed JSON request to a program of the user's own, and what became of it.

Its ``id`` is the same whenever the same thing is told, so that a receiver can tell a repetition: unlike a mail, a request
that nobody answered is sent again within the run. The documents are described in docs/webhook.schema.json.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from pipeline.deliver.patience import BusyError, patiently
from pipeline.periods import to_utc, utc_now
from pipeline.reports.figures import clean
from pipeline.version import VERSION

if TYPE_CHECKING:
    import requests

#: Seconds that connecting, and each part of the answer, may take.
TIMEOUTS = (10, 30)
_LONGEST_ANSWER = 200


def signature(secret: str, moment: int, body: bytes) -> str:
    """Return the header ``X-Costmill-Signature``: when it was signed (Unix seconds), and HMAC-SHA256 over time and body."""
    signed = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={signed}"


def post(
    name: str,
    url: str,
    secret: str,
    body: bytes,
    *,
    delivery: str,
    begin: Callable[[], None] = lambda: None,
    pause: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.time,
) -> None:
    """Send a document and wait for the receiver's 2xx.

    Args:
        name: of the channel, for messages: the address is a secret.
        delivery: the document's id: the same for each attempt.
        begin: called before each attempt.

    Raises:
        DeliveryError: when no attempt was answered by 2xx.
    """
    import requests

    def attempt() -> None:
        begin()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": f"costmill/{VERSION}",
            "X-Costmill-Delivery": delivery,
            "X-Costmill-Signature": signature(secret, int(clock()), body),
        }
        try:
            # Redirects would carry the document, signed, to where nobody configured.
            with hushed():
                answer = requests.post(
                    url, data=body, headers=headers, timeout=TIMEOUTS, allow_redirects=False, stream=True
                )
        except requests.Timeout:
            raise BusyError(f"{name}: no answer within {TIMEOUTS[1]} s", retry=True) from None
        except requests.exceptions.SSLError:
            raise BusyError(f"{name}: the certificate is not trusted", retry=False) from None
        except requests.RequestException as error:
            raise BusyError(f"{name}: {_reason(error)}", retry=True) from None
        with answer:
            _require_yes(name, answer)

    patiently(attempt, pause)


@contextmanager
def hushed() -> Iterator[None]:
    """Keep urllib3 from logging the paths that it asks for: there are keys in them."""
    logger = logging.getLogger("urllib3")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)


def _require_yes(name: str, answer: requests.Response) -> None:
    code = answer.status_code
    if 200 <= code < 300:
        return
    if 300 <= code < 400:
        raise BusyError(f"{name}: answered {code}, a redirect, which is not followed; mend its url", retry=False)
    said = clean(next(answer.iter_content(_LONGEST_ANSWER * 4), b"").decode("utf-8", "replace"), _LONGEST_ANSWER)
    raise BusyError(
        f"{name}: answered {code} {said}".rstrip(),
        retry=code in (408, 425, 429) or code >= 500,
        after=_retry_after(answer.headers.get("Retry-After")),
    )


def _retry_after(text: str | None) -> float | None:
    """Seconds of the header Retry-After, which has seconds or a moment."""
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdigit():
        return float(text.strip()[:9])
    try:
        return max(0.0, (to_utc(parsedate_to_datetime(text)) - utc_now()).total_seconds())
    except (ValueError, TypeError):
        return None


def _reason(error: requests.RequestException) -> str:
    """Why there was no answer, without the address, which requests' own words have."""
    from urllib3.exceptions import NameResolutionError, NewConnectionError

    cause: object = error.args[0] if error.args else error
    cause = getattr(cause, "reason", cause)
    if isinstance(cause, NameResolutionError):
        return "its server's name is not known"
    if isinstance(cause, NewConnectionError):
        return "its server cannot be reached"
    return f"the connection broke ({type(error).__name__})"
