"""A real SMTP server in this process: STARTTLS and a login required, what it took kept, refusals as a test asks for them."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USERNAME, PASSWORD = "costs", "geheim-4711"


@dataclass
class Mailbox:
    """What the server took, and how it answers: by recipient for RCPT, one after the other for DATA."""

    taken: list[tuple[str, bytes]] = field(default_factory=list)
    refused: dict[str, list[str]] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)
    hangs_up: bool = False
    logins: int = 0
    on_data: Callable[[], None] | None = None

    def clear(self) -> None:
        """Forget everything."""
        self.taken.clear()
        self.refused.clear()
        self.answers.clear()
        self.hangs_up, self.logins, self.on_data = False, 0, None

    def messages(self) -> list[EmailMessage]:
        """What it took, as a mail program reads it."""
        parser: BytesParser[EmailMessage] = BytesParser(policy=policy.default)
        return [parser.parsebytes(content) for _, content in self.taken]

    @property
    def recipients(self) -> list[str]:
        """Who got something, in order."""
        return [recipient for recipient, _ in self.taken]

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        """Compare name and password."""
        self.logins += 1
        wanted = (USERNAME.encode(), PASSWORD.encode())
        success = isinstance(data, LoginPassword) and (data.login, data.password) == wanted
        return AuthResult(success=success, handled=False)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd names it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient, unless the test has an answer for it."""
        if self.refused.get(address):
            return self.refused[address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - likewise
        """Take a message, unless the test has another answer, or none."""
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250"):
            self.taken.append((envelope.rcpt_tos[0], envelope.original_content or b""))
        if self.on_data is not None:
            self.on_data()
        if self.hangs_up:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return answer


@dataclass
class Server:
    """A running server."""

    controller: Controller
    mailbox: Mailbox
    ca_file: Path
    port: int

    def section(self, **more: Any) -> dict[str, Any]:
        """The section ``mail`` for it."""
        login = {"username": USERNAME, "password": PASSWORD, "ca_file": str(self.ca_file)}
        own = {"host": "127.0.0.1", "port": self.port, "from": "Costmill <costs@example.com>", "retry_seconds": 0}
        return {**own, **login, **more}


def start(folder: Path) -> Server:
    """Start a server; its certificates are made in the folder."""
    mailbox, context = Mailbox(), _context(folder)
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=free_port(),
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=mailbox.authenticate,
    )
    controller.start()
    return Server(controller, mailbox, folder / "ca.pem", controller.port)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _context(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Costmill tests")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "ca.pem").write_bytes(pem)
    (folder / "server.pem").write_bytes(pem + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context
