"""The table ``notifications``: what was told to whom, decided before and after each message (SPEC 3.8).

A row goes ``pending`` -> ``sending`` -> ``sent``, ``failed`` or ``unknown``. Each step is a transaction of its own, on the
disk before the wire is touched: a process that dies while it sends leaves ``sending``, which the next one makes
``unknown``. What is ``unknown`` may have arrived and is never sent again; what ``failed`` did not, and is tried again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pipeline.errors import CostmillError
from pipeline.periods import utc_now
from pipeline.store import loads, rollups
from pipeline.store.warehouse import Warehouse

Kind = Literal["report", "alert", "failure"]
Status = Literal["pending", "sending", "sent", "failed", "unknown"]

#: What is written to an error's column, so that no server's answer fills the warehouse.
LONGEST_ERROR = 1000
DIED = "the process ended before the server answered; it may have arrived and is not sent again"

_COLUMNS = (
    *("notification_id", "kind", "subject", "channel", "recipient", "status", "attempts", "message_id"),
    *("created_at", "sending_at", "settled_at", "error", "run_id"),
)
_ORDER = "ORDER BY created_at, kind, subject, channel, recipient"


@dataclass(frozen=True)
class Notice:
    """One thing told to one recipient by one channel; the ledger has each once.

    Args:
        subject: ``report_subject`` or ``alert_subject`` make it.
        channel: ``mail``, or a channel's name in the configuration.
        recipient: an address, or the channel's name again; never a secret.
    """

    kind: Kind
    subject: str
    channel: str
    recipient: str

    @property
    def id(self) -> str:
        """The same notice has the same id in every run and on every machine."""
        return _hash([self.kind, self.subject, self.channel, self.recipient])


@dataclass(frozen=True)
class Notification:
    """A row of ``notifications``; the column comments there say what each is."""

    notification_id: str
    kind: Kind
    subject: str
    channel: str
    recipient: str
    status: Status
    attempts: int
    message_id: str | None
    created_at: datetime
    sending_at: datetime | None
    settled_at: datetime | None
    error: str | None
    run_id: str

    @property
    def notice(self) -> Notice:
        """What the row is about."""
        return Notice(self.kind, self.subject, self.channel, self.recipient)


def report_subject(report: str, edition: str, period: str, team: str | None = None) -> str:
    """Name an edition of a report: ``costs/daily/2026-03-21``, with ``/team`` where it is a team's."""
    return "/".join([report, edition, period, *([team] if team is not None else [])])


def alert_subject(alert_id: str, tellings: int) -> str:
    """Name one telling of an alert: its id, and how often it was told anew (reopened, woken from a snooze) before."""
    return f"{alert_id}/{tellings}"


def message_id(notices: Iterable[Notice], domain: str) -> str:
    """Return the Message-ID of what tells these notices: the same for the same ones, whenever it is made."""
    return f"<{_hash(sorted(notice.id for notice in notices))}@{domain}>"


class Ledger:
    """The notifications of a warehouse that is open for writing. Call ``recover`` once before anything else.

    Its methods begin transactions of their own: they must not be called inside one.
    """

    def __init__(self, warehouse: Warehouse, run_id: str) -> None:
        self.warehouse = warehouse
        self.run_id = run_id

    def recover(self) -> list[Notification]:
        """Make what an earlier process left ``sending`` ``unknown``, and return it, to be told.

        Only one process writes the warehouse at a time, so that nobody is at it any more.
        """
        left = [row.notice for row in list_notifications(self.warehouse, status="sending")]
        self.unknown(left, DIED)
        ids = {notice.id for notice in left}
        return [row for row in list_notifications(self.warehouse, status="unknown") if row.notification_id in ids]

    def due(self, notices: Iterable[Notice]) -> list[Notice]:
        """Return those that are to be sent, each once and in their order: new, ``pending`` and ``failed`` ones.

        What is ``sending``, ``sent`` or ``unknown`` is never among them. Writes nothing.
        """
        wanted = {notice.id: notice for notice in notices}
        settled = "SELECT notification_id FROM notifications WHERE status NOT IN ('pending', 'failed')"
        done = {
            row[0] for row in self.warehouse.rows(f"{settled} AND notification_id IN (SELECT unnest(?))", [[*wanted]])
        }
        return [notice for id_, notice in wanted.items() if id_ not in done]

    def open_for(self, notices: Iterable[Notice]) -> list[Notice]:
        """Return what is ``due``; what is new is ``pending`` from here on."""
        due = self.due(notices)
        known = self.warehouse.rows(
            "SELECT notification_id FROM notifications WHERE notification_id IN (SELECT unnest(?))",
            [[notice.id for notice in due]],
        )
        fresh = [notice for notice in due if (notice.id,) not in known]
        if fresh:
            now = utc_now()
            with self.warehouse.transaction():
                loads.insert(self.warehouse, "notifications", *(self._row(notice, now) for notice in fresh))
                rollups.touch(self.warehouse)
        return due

    def sending(self, notices: Sequence[Notice], message_id: str) -> None:
        """Note that a message with these notices goes out now; on the disk when this returns.

        Raises:
            CostmillError: when one of them is not to be sent: a defect that would tell it twice.
        """
        assignments = "attempts = attempts + 1, message_id = ?, sending_at = ?, settled_at = NULL, error = NULL"
        self._move(notices, ("pending", "failed"), "sending", assignments, [message_id, utc_now()])

    def sent(self, notices: Sequence[Notice]) -> None:
        """Note that the server took it."""
        self._settle(notices, "sent", None)

    def failed(self, notices: Sequence[Notice], error: str) -> None:
        """Note that the server did not take it, for certain, be it that it never got so far: the next run tries again."""
        assignments = "attempts = attempts + CAST(status <> 'sending' AS INTEGER), settled_at = ?, error = ?"
        self._move(notices, ("pending", "failed", "sending"), "failed", assignments, [utc_now(), error[:LONGEST_ERROR]])

    def unknown(self, notices: Sequence[Notice], error: str) -> None:
        """Note that nobody can say whether the server took it: it is never sent again."""
        self._settle(notices, "unknown", error)

    def says_first(self, about: str, line: str) -> bool:
        """Note that ``line`` is said of something; False when it was the last that was said of it."""
        name, said = f"said:{about}", _hash(line)
        if self.warehouse.value("SELECT value FROM settings WHERE name = ?", [name]) == said:
            return False
        with self.warehouse.transaction():
            self.warehouse.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", [name, said])
            rollups.touch(self.warehouse)
        return True

    def _settle(self, notices: Sequence[Notice], status: Status, error: str | None) -> None:
        values = [utc_now(), error[:LONGEST_ERROR] if error is not None else None]
        self._move(notices, ("sending",), status, "settled_at = ?, error = ?", values)

    def _move(
        self, notices: Sequence[Notice], before: Sequence[Status], after: Status, assignments: str, values: list[Any]
    ) -> None:
        if not notices:
            return
        ids = sorted({notice.id for notice in notices})
        with self.warehouse.transaction():
            moved = self.warehouse.execute(
                f"UPDATE notifications SET status = ?, run_id = ?, {assignments} "
                "WHERE notification_id IN (SELECT unnest(?)) AND list_contains(?, status)",
                [after, self.run_id, *values, ids, [*before]],
            )
            if moved != len(ids):
                raise CostmillError(
                    f"{len(ids) - moved} notification(s) cannot become {after}: not {' or '.join(before)}"
                )
            rollups.touch(self.warehouse)

    def _row(self, notice: Notice, now: datetime) -> dict[str, Any]:
        named = {
            "kind": notice.kind,
            "subject": notice.subject,
            "channel": notice.channel,
            "recipient": notice.recipient,
        }
        state = {"status": "pending", "attempts": 0, "created_at": now, "run_id": self.run_id}
        return {"notification_id": notice.id, **named, **state}


def list_notifications(
    warehouse: Warehouse, *, status: str | None = None, channel: str | None = None, kind: str | None = None
) -> list[Notification]:
    """Return the rows, oldest first; each argument keeps only those of that value."""
    rows = warehouse.rows(
        f"SELECT {', '.join(_COLUMNS)} FROM notifications WHERE ($status IS NULL OR status = $status) "
        f"AND ($channel IS NULL OR channel = $channel) AND ($kind IS NULL OR kind = $kind) {_ORDER}",
        {"status": status, "channel": channel, "kind": kind},
    )
    return [Notification(*row) for row in rows]


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:32]
