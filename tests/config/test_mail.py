"""The section ``mail`` and the budgets' ``notify``: what is read, what is refused, what is never shown."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from pipeline.config import mail
from pipeline.config.mail import PORTS, Mailbox, address, mailbox
from pipeline.config.secrets import Secret
from pipeline.reports import documents, writers
from tests.config.files import problem, problems, settings

MAIL = "mail: {host: smtp.example.com, from: costs@example.com, username: kim%s}\n"
HOSTILE = [
    '"a@example.com\\r\\nBcc: x@example.com"',
    '"a@example.com\\nBcc: x@example.com"',
    '"a@example.com, b@example.com"',
    '"a b@example.com"',
    '"<a@example.com>"',
    '"a@exämple.com"',
    "a@",
    '"@example.com"',
    '"a@@example.com"',
    '"a@example..com"',
    '"a@[127.0.0.1]"',
    '"\\"a\\"@example.com"',
    f"{'a' * 65}@example.com",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_an_address_that_could_be_anything_else_is_refused_with_its_line(tmp_path: Path, hostile: str) -> None:
    said = problem(tmp_path, MAIL % f", alerts: {{to: [{hostile}]}}")
    assert said.startswith("line 1: mail.alerts.to[0]: ")


def test_addresses_are_compared_with_the_domain_in_small_letters() -> None:
    assert address("Ann.O'Hara+x@Example.COM") == "Ann.O'Hara+x@example.com"


def test_a_name_before_an_address_is_a_name_whatever_it_holds() -> None:
    assert mailbox('"Costs, Ltd." <costs@example.com>') == Mailbox("costs@example.com", "Costs, Ltd.")
    assert str(mailbox("Costs, Ltd. <costs@example.com>").header) == '"Costs, Ltd." <costs@example.com>'
    with pytest.raises(ValueError, match="control character"):
        mailbox("Costs\r\nBcc: x@example.com <costs@example.com>")


def test_a_password_is_in_no_text_of_the_settings_and_in_no_problem(tmp_path: Path) -> None:
    found = settings(tmp_path, MAIL % ", password: '${PW}'", PW="pass-4711")
    assert found.mail is not None
    assert found.mail.password is not None
    assert found.mail.password.reveal() == "pass-4711"
    assert "4711" not in repr(found)
    assert "4711" not in f"{found.mail.password}"
    with pytest.raises(TypeError):
        pickle.dumps(found.mail.password)
    said = problems(tmp_path, MAIL % ", password: '${PW}', port: x, qqq: 1", {"PW": "pass-4711\n"})
    assert len(said) == 3
    assert "4711" not in "\n".join(said)


def test_a_password_is_compared_and_nothing_else_is() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"


@pytest.mark.parametrize(("security", "port"), list(PORTS.items()))
def test_the_port_follows_from_the_encryption(tmp_path: Path, security: str, port: int) -> None:
    found = settings(tmp_path, f"mail: {{host: a, from: a@example.com, security: {security}}}").mail
    assert found is not None
    assert found.port == port


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mail: {}", "host is missing"),
        ("mail: {host: 'smtp.example.com:25', from: a@b.example}", "the port under port"),
        ("mail: {host: a, from: a@b.example, password: x}", "needs username"),
        (MAIL % ", security: none", "for everybody to read"),
        (MAIL % ", password: x, password_file: y", "keep one of them"),
        (MAIL % ", link: 'javascript:alert(1)'", "is no web address"),
        (MAIL % ", reports: [{report: teams, edition: daily, to: owners}]", "mail.owners names none"),
        (MAIL % ", reports: [{report: teams, edition: daily, to: [a@b.example]}]", "a single value"),
        (MAIL % ", reports: [{report: costs, edition: daily, to: []}]", "is missing; write a list of addresses"),
        (MAIL % ", reports: [{report: costs, edition: hourly, to: [a@b.example]}]", "'hourly' is unknown"),
        (MAIL % ", alerts: {to: [owner]}", "mail.owners names none"),
        (MAIL % ", owners: {ML: []}", "line 1: mail.owners.ML: has no address; list some"),
        (MAIL % ", owners: {ML: }", "line 1: mail.owners.ML: has no address; list some"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_sent(tmp_path: Path, text: str, said: str) -> None:
    assert any(said in each for each in problems(tmp_path, text))


def test_an_edition_of_a_report_stands_once(tmp_path: Path) -> None:
    report = "{report: costs, edition: daily, to: [%s@example.com]}"
    said = problem(tmp_path, MAIL % f", reports: [{report % 'a'}, {report % 'b'}]")
    assert said == "line 1: mail.reports[1].report: costs daily stands twice; put all addresses into one list"


def test_a_budget_names_addresses_and_its_owner(tmp_path: Path) -> None:
    budget = "cost: {budgets: {global: {amount: 9, owner: ml, notify: [%s]}}}\n"
    found = settings(tmp_path, MAIL % "" + budget % "a@Example.com, owner").budgets
    assert found is not None
    assert found.scopes[0].notify == ("a@example.com", "owner")
    assert "no section mail" in problem(tmp_path, budget % "a@example.com")
    assert "nor a channel" in problem(tmp_path, MAIL % "" + budget % "slack")
    assert "has none" in problem(tmp_path, MAIL % "" + "cost: {budgets: {global: {amount: 9, notify: [owner]}}}")


def test_reports_and_files_that_can_be_mailed_are_those_that_there_are() -> None:
    assert set(mail.REPORTS) == set(documents.REPORTS)
    assert set(mail.ATTACHMENTS) == set(writers.FORMATS)
