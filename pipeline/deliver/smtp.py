"""One message to one recipient over SMTP, and what became of it: taken, refused, or nobody can say.

A server takes a message with its answer to the last line of it. Whatever fails before that line was sent was not taken,
for certain, and may be tried again; a connection that breaks between that line and the answer leaves it unknown.
"""

from __future__ import annotations

import base64
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

from pipeline.config.mail import MailSettings
from pipeline.errors import CostmillError
from pipeline.reports.figures import clean

#: How often a message is tried within a run, at most; ``retry_seconds`` may end it before.
MOST_ATTEMPTS = 6
#: The longest pause between two of them, in seconds.
LONGEST_PAUSE = 20
#: After so many messages that a server did not answer it gets no more in this run: nobody could say what became of them.
MOST_UNANSWERED = 2
_LONGEST_ANSWER = 300


class DeliveryError(CostmillError):
    """A message was not taken, for certain. ``retry``: the server may take it later."""

    exit_code = 69

    def __init__(self, message: str, *, retry: bool) -> None:
        super().__init__(message)
        self.retry = retry


class UnansweredError(DeliveryError):
    """The connection broke after the whole message was sent: the server may have taken it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retry=False)


class Postman:
    """Carries messages to the configured server over one connection, which is made when it is first needed.

    All messages together have ``mail.retry_seconds`` to be tried again in. Once the server cannot be reached for so long,
    refuses the login, or leaves ``MOST_UNANSWERED`` messages without an answer, it is not asked again for the others.
    ``pause`` waits between attempts.
    """

    def __init__(self, settings: MailSettings, *, pause: Callable[[float], None] = time.sleep) -> None:
        self.settings = settings
        self._pause = pause
        self._server: smtplib.SMTP | None = None
        self._given_up: DeliveryError | None = None
        self._seconds_left = float(settings.retry_seconds)
        self._unanswered = 0

    def __enter__(self) -> Postman:
        return self

    def __exit__(self, *_: object) -> None:
        self._hang_up(politely=True)

    def deliver(self, message: bytes, recipient: str, *, before_data: Callable[[], None]) -> None:
        """Have the server take a message (lines end in CRLF).

        Args:
            before_data: called each time before the message itself goes out, after the server took sender and recipient.

        Raises:
            UnansweredError: when nobody can say whether the server took it.
            DeliveryError: when it did not.
        """
        import tenacity

        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, DeliveryError) and error.retry),
            wait=tenacity.wait_exponential(multiplier=1, max=LONGEST_PAUSE),
            stop=lambda state: state.attempt_number >= MOST_ATTEMPTS or self._seconds_left <= 0,
            sleep=self._wait,
            reraise=True,
        )
        attempts(self._try, message, recipient, before_data)

    def _try(self, message: bytes, recipient: str, before_data: Callable[[], None]) -> None:
        if self._given_up is not None:
            raise self._given_up
        began = time.monotonic()
        try:
            self._carry(message, recipient, before_data)
        except UnansweredError as error:
            self._unanswered += 1
            if self._unanswered >= MOST_UNANSWERED:
                self._given_up = DeliveryError(
                    f"not tried, after {self._unanswered} messages went unanswered: {error}", retry=False
                )
            raise
        except DeliveryError:
            self._seconds_left -= time.monotonic() - began
            raise

    def _carry(self, message: bytes, recipient: str, before_data: Callable[[], None]) -> None:
        try:
            server = self._connected()
        except DeliveryError as error:
            if not error.retry or self._seconds_left <= 0:  # nobody else's message will fare better
                self._given_up = DeliveryError(str(error), retry=False)
            raise
        try:
            self._hand_over(server, message, recipient, before_data)
        except (OSError, smtplib.SMTPException) as error:
            self._hang_up()
            broke = f"{self._name}: the connection broke: {self._words(error)}"
            if self._seconds_left <= 0:
                self._given_up = DeliveryError(broke, retry=False)
            raise DeliveryError(broke, retry=True) from None
        except UnansweredError:
            self._hang_up()
            raise

    def _hand_over(self, server: smtplib.SMTP, message: bytes, recipient: str, before_data: Callable[[], None]) -> None:
        self._require(server.mail(self.settings.sender.address), "the sender")
        self._require(server.rcpt(recipient), recipient)
        before_data()
        self._require(server.docmd("DATA"), "the message", taken=354)
        try:
            server.send(re.sub(rb"(?m)^\.", b"..", message).removesuffix(b"\r\n") + b"\r\n.\r\n")
            answer = server.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise UnansweredError(
                f"{self._name}: the connection broke before the server answered, so it may have taken the message: "
                f"{self._words(error)}"
            ) from None
        self._require(answer, "the message")

    def _require(self, answer: tuple[int, bytes], what: str, taken: int = 250) -> None:
        """Raise what an answer other than yes means: 4xx may be a yes later, 5xx never is."""
        code, said = answer
        if code == taken or (taken == 250 and code == 251):
            return
        self._start_over()
        text = self._clean(said.decode("utf-8", "replace"))
        raise DeliveryError(f"{self._name} refused {what}: {code} {text}", retry=not 500 <= code < 600)

    def _start_over(self) -> None:
        """A refusal leaves the connection in the middle of a message; one that cannot be reset is of no more use."""
        try:
            if self._server is None or self._server.rset()[0] != 250:
                self._hang_up()
        except (OSError, smtplib.SMTPException):
            self._hang_up()

    # --- The connection -----------------------------------------------------------------------

    def _connected(self) -> smtplib.SMTP:
        if self._server is None:
            try:
                self._server = self._connect()
            except smtplib.SMTPAuthenticationError as error:
                raise self._refused(f"refused the login of {self.settings.username}", error, error.smtp_code) from None
            except smtplib.SMTPResponseException as error:
                raise self._refused("refused the connection", error, error.smtp_code) from None
            except smtplib.SMTPNotSupportedError as error:
                raise self._refused("cannot do what mail.security asks for", error, 500) from None
            except ssl.SSLCertVerificationError as error:
                raise self._refused("has a certificate that is not trusted (mail.ca_file)", error, 500) from None
            except (OSError, smtplib.SMTPException) as error:
                raise self._refused("cannot be reached", error, 421) from None
        return self._server

    def _connect(self) -> smtplib.SMTP:
        own, timeout = self.settings, float(self.settings.timeout_seconds)
        server: smtplib.SMTP
        if own.security == "tls":
            server = smtplib.SMTP_SSL(own.host, own.port, timeout=timeout, context=self._context())
        else:
            server = smtplib.SMTP(own.host, own.port, timeout=timeout)
        try:
            server.ehlo()
            if own.security == "starttls":
                server.starttls(context=self._context())
                server.ehlo()
            if own.username is not None:
                server.login(own.username, self._password())
        except BaseException:
            server.close()
            raise
        return server

    def _context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.settings.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise DeliveryError(
                f"mail.ca_file: {self.settings.ca_file}: {self._words(error)}; it must hold certificates as PEM",
                retry=False,
            ) from None

    def _password(self) -> str:
        """Return the password, from the environment by the configuration, or from its file."""
        own = self.settings
        found = (
            own.password.reveal() if own.password is not None else first_line(own.password_file, "mail.password_file")
        )
        if not found:
            where = f"{own.password_file} is empty" if own.password_file else "mail.password is empty or missing"
            raise DeliveryError(f"{where}: {own.username} cannot log in to {self._name}", retry=False)
        if not found.isascii():
            raise DeliveryError("the mail password has characters beyond ASCII, which SMTP cannot send", retry=False)
        return found

    def _hang_up(self, *, politely: bool = False) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        try:
            if politely:
                server.quit()
        except (OSError, smtplib.SMTPException):
            pass
        finally:
            server.close()

    # --- Words --------------------------------------------------------------------------------

    @property
    def _name(self) -> str:
        return f"{self.settings.host}:{self.settings.port}"

    def _refused(self, what: str, error: Exception, code: int) -> DeliveryError:
        return DeliveryError(f"{self._name} {what}: {self._words(error)}", retry=not 500 <= code < 600)

    def _words(self, error: Exception) -> str:
        if isinstance(error, smtplib.SMTPResponseException):
            said = error.smtp_error
            text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
            return self._clean(f"{error.smtp_code} {text}")
        if isinstance(error, TimeoutError | socket.timeout):
            return f"no answer within {self.settings.timeout_seconds} s (mail.timeout_seconds)"
        return self._clean(getattr(error, "strerror", None) or str(error) or type(error).__name__)

    def _clean(self, text: str) -> str:
        """What a server says, on one line, without the password, should it say it back."""
        own = self.settings
        secret = own.password.reveal() if own.password is not None else ""
        for form in (secret, *_encoded(own.username or "", secret)) if secret else ():
            text = text.replace(form, "…")
        return clean(text, _LONGEST_ANSWER)

    def _wait(self, seconds: float) -> None:
        seconds = min(seconds, self._seconds_left)
        self._seconds_left -= seconds
        self._pause(seconds)


def first_line(file: Path | None, where: str) -> str:
    """Return a file's first line, such as a password; ``where`` says which setting names the file.

    Raises:
        DeliveryError: when it cannot be read.
    """
    if file is None:
        return ""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not UTF-8 text"
        raise DeliveryError(f"{where}: {file}: {reason}", retry=False) from None
    return lines[0] if lines else ""


def _encoded(username: str, secret: str) -> tuple[str, ...]:
    """What of a password goes over the wire."""
    forms = (secret, f"\0{username}\0{secret}")
    return tuple(base64.b64encode(form.encode()).decode() for form in forms)
