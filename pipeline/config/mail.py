"""The section ``mail``: a server, who writes, and who gets which report and which alerts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from pipeline.config import fields
from pipeline.config.keys import SECTIONS
from pipeline.config.paths import Resolver
from pipeline.config.secrets import Secret
from pipeline.config.section import Section
from pipeline.errors import near

if TYPE_CHECKING:
    from email.headerregistry import Address

Security = Literal["starttls", "tls", "none"]
EditionName = Literal["daily", "weekly", "monthly"]
Severity = Literal["info", "warning", "critical", "emergency"]

SECURITY: tuple[Security, ...] = ("starttls", "tls", "none")
#: The usual port of each.
PORTS: Mapping[Security, int] = {"starttls": 587, "tls": 465, "none": 25}
EDITIONS: tuple[EditionName, ...] = ("daily", "weekly", "monthly")
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical", "emergency")
#: Names of pipeline.reports.documents, which lies above this package: a test compares them.
REPORTS = ("costs", "budgets", "teams", "restatements", "resources", "commitments", "models")
ATTACHMENTS = ("pdf", "xlsx", "csv", "json", "html", "md", "parquet")
#: The report that is one document for each team.
TEAMS = "teams"
#: Stands for who answers for a budget or is the team, as ``mail.owners`` has their addresses.
OWNERS, OWNER = "owners", "owner"

#: RFC 5321's dot-string and domain, in ASCII: what every server takes. No quotes, no comments, no address literals.
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
_NAMED = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]*)>")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|\[?[0-9A-Fa-f:.]+\]?")
_LINK = re.compile(r"https?://[^\s<>\"'\\{}|^`]+")


@dataclass(frozen=True)
class Mailbox:
    """An address with the name that stands before it, which may be empty."""

    address: str
    name: str = ""

    @property
    def header(self) -> Address:
        """As a header has it; the library quotes and encodes the name."""
        from email.headerregistry import Address  # half of what reading a configuration would cost

        return Address(self.name, addr_spec=self.address)

    @property
    def domain(self) -> str:
        """What stands behind the @."""
        return self.address.rpartition("@")[2]


@dataclass(frozen=True)
class MailReport:
    """An edition of a report and who gets it.

    Attributes:
        to: addresses; empty: each team's own go to the team's addresses in ``owners``.
        attach: formats of files beside it.
        by: of the report ``teams``: ``owner`` or ``tag:KEY``.
    """

    report: str
    edition: EditionName
    to: tuple[str, ...]
    attach: tuple[str, ...] = ()
    by: str = "owner"


@dataclass(frozen=True)
class MailAlerts:
    """Who gets alerts: of every budget, beside those that a budget's own ``notify`` names.

    Attributes:
        to: addresses, and the word ``owner`` for who answers for the alert's budget.
        min_severity: of all alerts that are mailed, those of ``notify`` too.
    """

    to: tuple[str, ...] = ()
    min_severity: Severity = "warning"


@dataclass(frozen=True)
class MailSettings:
    """The section ``mail``.

    Attributes:
        password_file: read when mail is sent, so that nobody else needs to be able to.
        timeout_seconds: that each answer of the server may take.
        retry_seconds: for how long, all told, what the server did not take is tried again within a run.
        link: what the reports' folder is called on the web; None: mails link to nothing.
        owners: who answers for costs -> their addresses.
    """

    host: str
    sender: Mailbox
    port: int
    security: Security = "starttls"
    ca_file: Path | None = None
    username: str | None = None
    password: Secret | None = field(default=None, repr=False)
    password_file: Path | None = None
    reply_to: Mailbox | None = None
    timeout_seconds: Decimal = Decimal(30)
    retry_seconds: Decimal = Decimal(60)
    link: str | None = None
    reports: tuple[MailReport, ...] = ()
    alerts: MailAlerts = MailAlerts()
    owners: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def address(value: str) -> str:
    """Read an address, and nothing beside it; the domain is returned in small letters."""
    fields.line_of_text(value)
    if not _ADDRESS.fullmatch(value) or len(value) > 254 or len(value.partition("@")[0]) > 64:
        raise ValueError(f"{value!r} is no mail address; write one such as finance@example.com, a domain as xn--…")
    local, _, domain = value.partition("@")
    return f"{local}@{domain.lower()}"


def mailbox(value: str) -> Mailbox:
    """Read an address, with a name before it or without: ``Costmill <costs@example.com>``."""
    fields.line_of_text(value)
    named = _NAMED.fullmatch(value.strip())
    if named is None:
        return Mailbox(address(value))
    made = Mailbox(address(named["address"].strip()), named["name"].strip().strip('"'))
    from email.errors import HeaderParseError

    try:
        str(made.header)
    except (ValueError, HeaderParseError):
        raise ValueError(f"{value!r}: this name cannot stand before an address") from None
    return made


def told(channels: tuple[str, ...], *, has_mail: bool) -> Callable[[str], str]:
    """Return a parser of a budget's ``notify``: an address, ``owner``, or one of the ``channels``."""

    def parse(value: str) -> str:
        if value in channels:
            return value
        if "@" not in value and value != OWNER:
            raise ValueError(f"{value!r} is neither an address, nor {OWNER}, nor a channel{near(value, channels)}")
        found = value if value == OWNER else address(value)
        if not has_mail:
            raise ValueError(f"{value!r} is told by mail, and there is no section mail")
        return found

    return parse


def read_mail(root: Section, resolver: Resolver) -> MailSettings | None:
    """Read ``mail``; None where the file has none."""
    section = root.section("mail", SECTIONS["mail"])
    if section.line is None:
        return None
    host = section.required("host", _host, "the mail server's name, such as smtp.example.com")
    sender = section.required("from", mailbox, "who writes, such as Costmill <costs@example.com>")
    security = cast(Security, section.value("security", fields.choice(SECURITY), "starttls"))
    owners = _read_owners(section)
    _check_login(section, security)
    return MailSettings(
        host=host or "",
        sender=sender or Mailbox(""),
        port=section.value("port", fields.integer(1, 65_535), PORTS[security]),
        security=security,
        ca_file=section.value("ca_file", resolver.path, None),
        username=section.value("username", fields.line_of_text, None),
        password=section.secret("password", _secret),
        password_file=section.value("password_file", resolver.path, None),
        reply_to=section.value("reply_to", mailbox, None),
        timeout_seconds=section.value("timeout_seconds", fields.seconds, Decimal(30)),
        retry_seconds=section.value("retry_seconds", _wait, Decimal(60)),
        link=section.value("link", _link, None),
        reports=_read_reports(section, owners),
        alerts=_read_alerts(section, owners),
        owners=owners,
    )


def _check_login(section: Section, security: Security) -> None:
    if section.has("password") and section.has("password_file"):
        section.problem("password_file", "stands beside password; keep one of them")
    for key in ("password", "password_file"):
        if section.has(key) and not section.has("username"):
            section.problem(key, "needs username: whose password it is")
    if section.has("username") and security == "none":
        section.problem("security", "'none' would send the password for everybody to read; write starttls or tls")
    if section.has("ca_file") and security == "none":
        section.problem("ca_file", "is of no use with security 'none'; write starttls or tls")


def _read_reports(mail: Section, owners: Mapping[str, tuple[str, ...]]) -> tuple[MailReport, ...]:
    found: dict[tuple[str, str, str], MailReport] = {}
    for section in mail.sections("reports", SECTIONS["mail.reports[]"]):
        report = section.required("report", fields.choice(REPORTS), "one such as costs") or ""
        edition = section.required("edition", fields.choice(EDITIONS), "daily, weekly or monthly") or ""
        if report == TEAMS:
            to: tuple[str, ...] = ()
            if section.value("to", _only_owners, None) is not None and not owners:
                section.problem("to", f"{OWNERS}, and mail.owners names none")
        else:
            to = section.values("to", address, ())
        if not section.has("to") or section.is_empty("to"):
            section.problem("to", f"is missing; write {OWNERS if report == TEAMS else 'a list of addresses'}")
        if section.has("by") and report != TEAMS:
            section.problem("by", f"is for the report {TEAMS}; leave it out")
        by = section.value("by", _by, "owner")
        made = MailReport(
            report, cast(EditionName, edition), to, section.values("attach", fields.choice(ATTACHMENTS), ()), by
        )
        if (report, edition, by) in found:
            section.problem("report", f"{report} {edition} stands twice; put all addresses into one list")
        found.setdefault((report, edition, by), made)
    return tuple(found.values())


def _read_alerts(mail: Section, owners: Mapping[str, tuple[str, ...]]) -> MailAlerts:
    section = mail.section("alerts", SECTIONS["mail.alerts"])
    to = section.values("to", _address_or_owner, ())
    if OWNER in to and not owners:
        section.problem("to", f"{OWNER}, and mail.owners names none")
    severity = section.value("min_severity", fields.choice(SEVERITIES), "warning")
    return MailAlerts(to, cast(Severity, severity))


def _read_owners(mail: Section) -> dict[str, tuple[str, ...]]:
    section = mail.section("owners", None)
    for owner in section.table.entries:
        if not section.has(owner) or section.is_empty(owner):
            section.problem(owner, "has no address; list some, such as [dp@example.com], or leave the owner out")
    return {owner: section.values(owner, address, ()) for owner in section.table.entries}


def _host(value: str) -> str:
    if not _HOST.fullmatch(value):
        raise ValueError(f"{value!r} is no server's name; write one such as smtp.example.com, the port under port")
    return value.strip("[]")


def _secret(value: str) -> Secret:
    """Read a password; what is wrong is said without it."""
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in value):
        raise ValueError("holds a line break or another control character")
    return Secret(value)


def _wait(value: str) -> Decimal:
    parsed = fields.number(value)
    if not 0 <= parsed <= 3600:
        raise ValueError(f"{value!r} is out of range; write seconds from 0 (try once) to 3600")
    return parsed


def _link(value: str) -> str:
    if not _LINK.fullmatch(value):
        raise ValueError(f"{value!r} is no web address; write one such as https://costs.example.com/reports")
    return value.rstrip("/")


def _only_owners(value: str) -> str:
    if value != OWNERS:
        raise ValueError(
            f"{value!r}: each team's report goes to that team; write {OWNERS}, with addresses in mail.owners"
        )
    return value


def _address_or_owner(value: str) -> str:
    return value if value == OWNER else address(value)


def _by(value: str) -> str:
    fields.line_of_text(value)
    if value != "owner" and not re.fullmatch(r"tag:.+", value):
        raise ValueError(f"{value!r} is neither owner nor tag:KEY")
    return value
