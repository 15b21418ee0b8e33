"""What is told once is told once: the rows of ``notifications``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.deliver import ledger
from pipeline.deliver.ledger import Ledger, Notice, list_notifications
from pipeline.errors import CostmillError
from pipeline.store import publish
from pipeline.store.warehouse import Warehouse
from tests import empty

DAILY = Notice("report", ledger.report_subject("costs", "daily", "2026-03-21"), "mail", "ann@example.com")
WEEKLY = Notice("report", ledger.report_subject("costs", "weekly", "2026-W12", "a/b"), "mail", "ann@example.com")
ALERT = Notice("alert", ledger.alert_subject("38be9c84", 1), "mail", "ann@example.com")
ID = "<1@example.com>"


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    with Warehouse.open(empty.put(tmp_path / "costs.duckdb")) as opened:
        yield opened


def states(warehouse: Warehouse) -> dict[str, str]:
    return {row.subject: row.status for row in list_notifications(warehouse)}


def test_what_was_sent_or_may_have_been_is_not_due_again_and_what_failed_is(warehouse: Warehouse) -> None:
    book = Ledger(warehouse, "run-1")
    assert book.open_for([DAILY, WEEKLY, ALERT, DAILY]) == [DAILY, WEEKLY, ALERT]
    for notice in (DAILY, WEEKLY, ALERT):
        book.sending([notice], ID)
    book.sent([DAILY])
    book.unknown([WEEKLY], "the connection broke")
    book.failed([ALERT], "450 try later " + "x" * 2000)
    assert Ledger(warehouse, "run-2").open_for([DAILY, WEEKLY, ALERT]) == [ALERT]
    failed = list_notifications(warehouse, status="failed")[0]
    assert (failed.attempts, failed.message_id, len(failed.error or "")) == (1, ID, ledger.LONGEST_ERROR)


def test_what_never_got_to_the_server_is_a_failed_attempt_too(warehouse: Warehouse) -> None:
    book = Ledger(warehouse, "run-1")
    book.open_for([DAILY])
    book.failed([DAILY], "no route")
    book.failed([DAILY], "no route")
    book.sending([DAILY], ID)
    book.failed([DAILY], "450")
    assert [(row.status, row.attempts) for row in list_notifications(warehouse)] == [("failed", 3)]


def test_what_a_dead_process_was_sending_becomes_unknown_and_is_told(tmp_path: Path) -> None:
    path = empty.put(tmp_path / "costs.duckdb")
    with Warehouse.open(path) as warehouse:
        Ledger(warehouse, "run-1").open_for([DAILY, WEEKLY])
        Ledger(warehouse, "run-1").sending([DAILY], ID)
    with Warehouse.open(path) as warehouse:
        book = Ledger(warehouse, "run-2")
        assert [(row.notice, row.status, row.error) for row in book.recover()] == [(DAILY, "unknown", ledger.DIED)]
        assert book.recover() == []
        assert book.open_for([DAILY, WEEKLY]) == [WEEKLY]


def test_a_row_that_is_not_due_cannot_be_sent_and_nothing_of_its_message_is_noted(warehouse: Warehouse) -> None:
    book = Ledger(warehouse, "run-1")
    book.open_for([DAILY, WEEKLY])
    book.sending([DAILY], ID)
    book.sent([DAILY])
    with pytest.raises(CostmillError, match="cannot become sending"):
        book.sending([DAILY, WEEKLY], ID)
    assert states(warehouse) == {DAILY.subject: "sent", WEEKLY.subject: "pending"}


def test_asking_what_is_due_writes_nothing_and_each_step_is_published(warehouse: Warehouse) -> None:
    book, before = Ledger(warehouse, "run-1"), publish.version(warehouse)
    assert book.due([DAILY]) == [DAILY]
    assert publish.version(warehouse) == before
    versions = [before]
    for step in (book.open_for, lambda due: book.sending(due, ID), book.sent):
        step([DAILY])
        versions.append(publish.version(warehouse))
    assert len(set(versions)) == 4


def test_a_message_has_the_same_id_whenever_it_is_made_and_another_for_another_recipient() -> None:
    first = ledger.message_id([DAILY, ALERT], "example.com")
    assert first == ledger.message_id([ALERT, DAILY], "example.com")
    assert first.endswith("@example.com>")
    other = Notice(DAILY.kind, DAILY.subject, DAILY.channel, "bob@example.com")
    assert first != ledger.message_id([other, ALERT], "example.com")
