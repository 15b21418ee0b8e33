"""The section ``notify``: channels beside mail, such as chat rooms, phones and other programs, and what each is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

from pipeline.config import fields
from pipeline.config.budgets import BudgetsConfig
from pipeline.config.findings import Findings
from pipeline.config.keys import SECTIONS
from pipeline.config.mail import EDITIONS, OWNER, REPORTS, SEVERITIES, TEAMS, EditionName, Severity
from pipeline.config.paths import Resolver
from pipeline.config.secrets import Secret
from pipeline.config.section import Section
from pipeline.errors import near

ChannelType = Literal["apprise", "webhook"]
Topic = Literal["alerts", "reports", "failures"]

TYPES: tuple[ChannelType, ...] = ("apprise", "webhook")
TOPICS: tuple[Topic, ...] = ("alerts", "reports", "failures")
#: What mail is called in the ledger: no channel may have its name.
MAIL = "mail"

#: Begins the ids of what no file states: policies, budgets of programs, unusual days.
_KEPT = ("policy:", "managed:", "anomaly:")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_APPRISE = re.compile(r"[a-z][a-z0-9]*://\S+", re.IGNORECASE)
_WEB = re.compile(r"https?://[^\s<>\"'\\{}|^`@]+")


@dataclass(frozen=True)
class ChannelReport:
    """An edition of a report that a channel is told of."""

    report: str
    edition: EditionName


@dataclass(frozen=True)
class ChannelSettings:
    """A channel of ``notify``.

    Attributes:
        name: what the ledger, the budgets' ``notify`` and messages call it; its address is a secret.
        url, url_file: where it is: apprise's address, or a webhook's; one of them is given. A file is read when it is told.
        secret, secret_file: of a webhook, what its requests are signed with, likewise.
        on: what it is told.
        min_severity: of the alerts that it is told.
        budgets: whose alerts, by id; None: every budget's. Budgets that name the channel in their ``notify`` come with them.
        reports: which editions, where ``on`` has reports.
    """

    name: str
    type: ChannelType = "apprise"
    url: Secret | None = field(default=None, repr=False)
    url_file: Path | None = None
    secret: Secret | None = field(default=None, repr=False)
    secret_file: Path | None = None
    on: tuple[Topic, ...] = ("alerts",)
    min_severity: Severity = "warning"
    budgets: tuple[str, ...] | None = None
    reports: tuple[ChannelReport, ...] = ()


def read_notify(root: Section, resolver: Resolver) -> tuple[ChannelSettings, ...]:
    """Read ``notify``, the channels in their order."""
    found: dict[str, ChannelSettings] = {}
    for section in root.sections("notify", SECTIONS["notify[]"]):
        name = section.required("name", channel_name, "one such as finops-slack") or ""
        if name in found:
            section.problem("name", f"{name!r} stands twice; each channel needs a name of its own")
        found.setdefault(name, _channel(section, name, resolver))
    return tuple(found.values())


def check_budgets(root: Section, budgets: BudgetsConfig | None) -> None:
    """Note the budgets of the file that channels name and that it does not have: they would tell of nothing.

    Of ``global`` it is only a warning: flags and environment make that one for some runs.
    """
    ids = {scope.budget_id for scope in budgets.scopes} if budgets else set()
    again = Findings()  # what else is wrong with the channels is noted already
    for section in Section(root.table, root.path, None, again).sections("notify", None):
        named = section.values("budgets", _budget_of(ids | {"global"}), ())
        if "global" in named and "global" not in ids:
            message = "names global, and there is no global budget; add cost.budgets.global, or leave it out"
            root.findings.warning(section.key_line("budgets"), section.key_path("budgets"), message)
    for each in again.problems:
        if each not in root.findings.problems:
            root.findings.problem(each.line, each.path, each.message)


def _budget_of(ids: Set[str]) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in ids and not value.startswith(_KEPT):
            raise ValueError(f"{value!r} is no budget's id, as `costmill budgets` lists them{near(value, ids)}")
        return value

    return parse


def _channel(section: Section, name: str, resolver: Resolver) -> ChannelSettings:
    kind = cast(ChannelType, section.value("type", fields.choice(TYPES), "apprise"))
    on = section.values("on", fields.choice(TOPICS), ("alerts",))
    _check_one(section, "url", needed=True)
    _check_one(section, "secret", needed=kind == "webhook")
    if kind != "webhook":
        for key in ("secret", "secret_file"):
            if section.has(key):
                section.problem(key, "signs a webhook's requests; write type: webhook, or leave it out")
    for key, topic in (("min_severity", "alerts"), ("budgets", "alerts"), ("reports", "reports")):
        if section.has(key) and topic not in on:
            section.problem(key, f"says which {topic}, and on does not have {topic}")
    reports = tuple(_reports(section))
    if "reports" in on and not reports:
        section.problem("reports", "is missing; write which, such as [{report: costs, edition: daily}]")
    return ChannelSettings(
        name=name,
        type=kind,
        url=section.secret("url", webhook_url if kind == "webhook" else apprise_url),
        url_file=section.value("url_file", resolver.path, None),
        secret=section.secret("secret", webhook_secret),
        secret_file=section.value("secret_file", resolver.path, None),
        on=cast("tuple[Topic, ...]", on),
        min_severity=cast(Severity, section.value("min_severity", fields.choice(SEVERITIES), "warning")),
        budgets=section.values("budgets", fields.line_of_text, ()) if section.has("budgets") else None,
        reports=reports,
    )


def _check_one(section: Section, key: str, *, needed: bool) -> None:
    """Check that a secret is given by itself or by its file, not by both."""
    given = [one for one in (key, f"{key}_file") if section.has(one)]
    if len(given) == 2:
        section.problem(f"{key}_file", f"stands beside {key}; keep one of them")
    if needed and not given:
        example = "slack://${SLACK_TOKEN}" if key == "url" else "${WEBHOOK_SECRET}"
        section.findings.problem(section.line, section.path, f"{key} is missing; write one such as {example}")


def _reports(channel: Section) -> list[ChannelReport]:
    found: list[ChannelReport] = []
    for section in channel.sections("reports", SECTIONS["notify[].reports[]"]):
        report = section.required("report", fields.choice(REPORTS), "one such as costs") or ""
        edition = section.required("edition", fields.choice(EDITIONS), "daily, weekly or monthly") or ""
        if report == TEAMS:
            section.problem("report", f"{TEAMS}: each team's report goes to that team, by mail")
        made = ChannelReport(report, cast(EditionName, edition))
        if made in found:
            section.problem("report", f"{report} {edition} stands twice")
        found.append(made)
    return found


def channel_name(value: str) -> str:
    """Read a channel's name, which cannot be taken for an address or a word of ``notify``."""
    if not _NAME.fullmatch(value) or value.lower() in (MAIL, OWNER):
        raise ValueError(
            f"{value!r} is no channel's name; write letters, digits, . _ and -, and neither {MAIL} nor {OWNER}"
        )
    return value


def apprise_url(value: str) -> Secret:
    """Read apprise's address of a channel; what is wrong is said without it: it holds the channel's key."""
    if not _APPRISE.fullmatch(value) or not value.isprintable():
        raise ValueError("is no address of apprise, such as slack://token or ntfys://ntfy.sh/topic")
    return Secret(value)


def webhook_url(value: str) -> Secret:
    """Read a webhook's address, likewise."""
    if not _WEB.fullmatch(value):
        raise ValueError("is no web address, such as https://hooks.example.com/costs; a login does not belong in it")
    return Secret(value)


def webhook_secret(value: str) -> Secret:
    """Read what a webhook's requests are signed with."""
    if len(value) < 16 or not value.isprintable():
        raise ValueError(
            "is shorter than 16 characters or holds a control character; make one with `openssl rand -hex 32`"
        )
    return Secret(value)
