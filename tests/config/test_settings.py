"""A whole file to settings, or to all of its problems."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipeline.config import BudgetOverrides, SourceSettings, default_settings, find_config, load_settings, settings_of
from pipeline.config.keys import all_keys
from pipeline.errors import ConfigurationError, Problem
from tests.config.files import problem, problems, settings, write
from tests.soak import more


def test_what_a_file_does_not_say_has_its_default(tmp_path: Path) -> None:
    found = settings(tmp_path, "sources: []")
    assert found.file == tmp_path / "costmill.yaml"
    assert found.warehouse == tmp_path / "warehouse" / "costs.duckdb"
    assert found.publish.path == tmp_path / "published" / "costs.duckdb"
    assert (found.publish.mode, found.publish.keep) == (0o444, 2)
    assert (found.reports.out, found.reports.formats) == (tmp_path / "out", ("html", "md"))
    assert (found.budgets, found.as_of, found.memory_limit, found.writer_wait_seconds) == (None, None, "1500MB", 600)
    assert found.warnings == ()


def test_nothing_under_a_key_is_its_default(tmp_path: Path) -> None:
    text = "warehouse:\npublish: ~\nsources:\nfreshness: null\ntags:\ncost:\nreports: {formats: , out: }\n"
    assert settings(tmp_path, text) == settings(tmp_path, "sources: []")


def test_a_source_is_read(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        """
        sources:
          - name: no
            path: exports/**
            format: focus
            origin: billed
            keep_columns: [x_Team, on]
            max_rejected: 1%
            gate: {rows: 0.25}
        """,
    )
    wanted = SourceSettings(
        "no", f"{tmp_path}/exports/**", "focus", "billed", ("x_Team", "on"), Decimal("0.01"), Decimal("0.25")
    )
    assert found.sources == (wanted,)


def test_rates_are_read_exactly(tmp_path: Path) -> None:
    found = settings(tmp_path, 'currency: {report: USD, rates: {2026-01: {EUR: 1.08}, "2026-02": {EUR: "1.1"}}}')
    assert found.currency.report == "USD"
    assert found.currency.rates == {"2026-01": {"EUR": Decimal("1.08")}, "2026-02": {"EUR": Decimal("1.1")}}


def test_a_pinned_date_is_its_last_moment(tmp_path: Path) -> None:
    assert settings(tmp_path, "as_of: 2026-03-22").as_of == datetime(2026, 3, 22, 23, 59, 59, 999999)


def test_a_value_may_come_from_the_environment(tmp_path: Path) -> None:
    found = settings(tmp_path, "publish: {keep: '${KEEP:-4}'}\nmemory_limit: ${MEM}\nwarehouse: ${W:-}", MEM="2GB")
    assert (found.publish.keep, found.memory_limit) == (4, "2GB")
    assert found.warehouse == tmp_path / "warehouse" / "costs.duckdb"


def test_all_problems_are_told_at_once_in_file_order(tmp_path: Path) -> None:
    text = """\
        warehouse: ${NOWHERE}
        publish:
          mode: 0644
          keep: 0
          mod: 1
        reports: {formats: [html, docx], sections: [{title: A, sql: own.sql}], also: [{report: budgets, by: team}]}
        sources:
          - name: aws prod
            path: exports
            max_rejected: 5
            bill: true
            format: aws_cur
          - path: s4://bills
            origin: borrowed
            format: focsu
        freshness: {stale: withold}
        mail: {}
        curency: {}
        """
    assert problems(tmp_path, text) == [
        "line 1: warehouse: the environment has no NOWHERE; set it, or write ${NOWHERE:-default}",
        'line 3: publish.mode: \'0644\' would not leave the copy read-only; write "0444", "0440" or "0400"',
        "line 4: publish.keep: '0' is no whole number from 1 to 1000",
        "line 5: publish.mod: unknown key 'mod'; did you mean 'mode'?",
        "line 6: reports.formats[1]: 'docx' is unknown; known: csv, html, json, md, parquet, pdf, xlsx",
        "line 6: reports.also[0].by: 'team' divides no teams; write owner, or a tag such as tag:team",
        "line 6: reports.also[0].by: is for the report teams, not for budgets; leave it out",
        f"line 6: reports.sections[0].sql: {tmp_path}/own.sql is no file; it holds one SELECT",
        "line 8: sources[0].name: 'aws prod' is no source name; use letters, digits, '.', '_' and '-', such as aws-prod",
        "line 10: sources[0].max_rejected: '5' is no share; write 0 to 1, or 0% to 100%",
        "line 11: sources[0].bill: is for what programs record, and charges of bills count anyway; leave it out",
        "line 13: sources[1]: name is missing; write one such as aws-prod",
        (
            "line 13: sources[1].path: s4:// is no object store that is read here;"
            " known: s3, s3a, gs, gcs, az, abfs, abfss, or a folder"
        ),
        "line 14: sources[1].origin: 'borrowed' is unknown; known: billed, recorded",
        "line 15: sources[1].format: 'focsu' is unknown; did you mean 'focus'?",
        "line 16: freshness.stale: 'withold' is unknown; did you mean 'withhold'?",
        "line 17: mail: host is missing; write the mail server's name, such as smtp.example.com",
        "line 17: mail: from is missing; write who writes, such as Costmill <costs@example.com>",
        "line 18: curency: unknown key 'curency'; did you mean 'currency'?",
    ]


@pytest.mark.parametrize(
    ("origin", "format_", "made"), [("billed", "usage_log", "recorded"), ("recorded", "focus", "billed")]
)
def test_an_origin_that_the_format_cannot_have_is_an_error(
    tmp_path: Path, origin: str, format_: str, made: str
) -> None:
    file = write(tmp_path, f"sources: [{{name: a, path: a, origin: {origin}, format: {format_}}}]\n")
    wanted = f"sources[0].origin: '{origin}' does not fit the format {format_}, whose charges are {made}; leave it out"
    with pytest.raises(ConfigurationError, match=re.escape(wanted)):
        load_settings(file, environ={})


def test_the_error_names_file_line_and_exit_code(tmp_path: Path) -> None:
    file = write(tmp_path, "tag: 1\nfreshness: {max_age_days: -1}\n")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(file, environ={})
    assert str(caught.value).splitlines()[1] == (
        f"{file}: line 2: freshness.max_age_days: '-1' is no whole number from 0 to 36500"
    )
    assert caught.value.problems[0] == Problem(1, "tag", "unknown key 'tag'; did you mean 'tags'?")
    assert caught.value.exit_code == 78


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("publish: {path: warehouse/x/../costs.duckdb}", "line 1: publish.path: is the warehouse itself"),
        ("sources: {name: a}", "line 1: sources: must be a list"),
        ("sources:\n- a", "line 2: sources[0]: must be a mapping"),
        ("publish: [a]", "line 1: publish: must be a mapping"),
        ("publish: 3", "line 1: publish: must be a mapping"),
        ("warehouse: [a]", "line 1: warehouse: must be a single value"),
        ("warehouse: ''", "line 1: warehouse: is empty"),
        ("warehouse: md://x", "line 1: warehouse: 'md://x' is no path of this machine"),
        ("reports: {formats: []}", "line 1: reports.formats: is empty; name at least one of html, md"),
        ("reports: {formats: html}", "line 1: reports.formats: must be a list"),
        ("reports: {formats: [md, md]}", "line 1: reports.formats[1]: 'md' stands twice"),
        ("tags:\n  report_keys: [a, [b]]", "line 2: tags.report_keys[1]: must be a single value"),
        ("tags: {report_keys: [a, ~]}", "line 1: tags.report_keys[1]: is empty; write a value, in quotes if"),
        ("tags: {aliases: {team: []}}", "line 1: tags.aliases.team: is empty; list the other spellings"),
        ("currency: {rates: {2026-01: {EUR: 1}}}", "line 1: currency.rates: need currency.report"),
        ("currency: {report: USD, rates: {2026-13: {EUR: 1}}}", "line 1: currency.rates.2026-13: '2026-13' is no billing"),
        ("currency: {report: USD, rates: {2026-01: {EURO: 1}}}", "line 1: currency.rates.2026-01.EURO: 'EURO' is no ISO"),
        ("currency: {report: USD, rates: {2026-01: {EUR: 0}}}", "line 1: currency.rates.2026-01.EUR: '0' is no rate"),
        ("currency: {report: USD, rates: {2026-01: {EUR: 1e6}}}", "line 1: currency.rates.2026-01.EUR: '1e6' is no rate"),
        (
            "currency: {report: USD, rates: {2026-01: {EUR: 0.0000000000001}}}",
            "line 1: currency.rates.2026-01.EUR: '0.0000000000001' is no rate",
        ),
        ("currency: {report: USD, rates: {2026-01: {EUR: }}}", "line 1: currency.rates.2026-01: EUR is missing"),
        ("currency: {report: USD, rates: {2026-01: {USD: 1}}}", "line 1: currency.rates.2026-01.USD: is the report's own"),
        ("currency: {report: USD, rates: {2026-01: 1.1}}", "line 1: currency.rates.2026-01: must be a mapping"),
        ("sources: [{name: a, path: p, gate: {cost: 9}}]", "line 1: sources[0].gate.cost: '9' is no share; write 0 to 1"),
        ("sources: [{name: a, path: p, gate: {cost_floor: -1}}]", "line 1: sources[0].gate.cost_floor: '-1' is negative"),
        ("sources: [{name: a, path: p, gate: {days: 0.5}}]", "line 1: sources[0].gate.days: '0.5' is neither a whole"),
        ("sources: [{name: a, path: p, gate: {days: -1}}]", "line 1: sources[0].gate.days: '-1' is neither a whole"),
        ("sources: [{name: a, path: p, gate: {accounts: 101%}}]", "line 1: sources[0].gate.accounts: '101%' is no share"),
        ("sources:\n- {name: a, path: p,\n   gate: {acounts: 1}}", "line 3: sources[0].gate.acounts: unknown key 'acounts'"),
        ("cost: {budget: {}}", "line 1: cost.budget: unknown key 'budget'; did you mean 'budgets'?"),
        ("as_of: soon", "line 1: as_of: 'soon' is no date; write 2026-03-22 or 2026-03-22T06:00:00Z"),
        ("writer_wait_seconds: 1.5", "line 1: writer_wait_seconds: '1.5' is no whole number"),
        ("memory_limit: 2", "line 1: memory_limit: '2' is no amount of memory; write one such as 2GB or 512MiB"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_with_what_would_be_right(tmp_path: Path, text: str, message: str) -> None:
    assert problem(tmp_path, text).startswith(message)


def test_two_sources_of_one_name_are_refused(tmp_path: Path) -> None:
    text = "sources:\n- name: a\n  path: x\n- name: a\n  path: y\n"
    assert problem(tmp_path, text) == "line 4: sources[1].name: 'a' is taken by the source on line 2"


def test_a_name_that_is_taken_is_told_beside_a_path_that_is_missing(tmp_path: Path) -> None:
    text = "sources:\n- name: a\n  path:\n- name: a\n- name: a\n  path: y\n"
    taken = "'a' is taken by the source on line 2"
    assert [each for each in problems(tmp_path, text) if "taken" in each] == [
        f"line 4: sources[1].name: {taken}",
        f"line 5: sources[2].name: {taken}",
    ]
    assert sum("path is missing" in each for each in problems(tmp_path, text)) == 2


def test_two_sources_of_one_path_are_warned_of(tmp_path: Path) -> None:
    found = settings(tmp_path, "sources:\n- {name: a, path: x}\n- {name: b, path: ./x}\n")
    assert found.warnings == (
        "line 3: sources[1].path: the source 'a' has the same path: its charges would count twice",
    )


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    file = tmp_path / "costmill.yaml"
    file.write_bytes(b"\xef\xbb\xbfpublish:\r\n  keep: 3\r\nmemory_limit: |-\r\n  2GB\r\n")
    found = load_settings(file, environ={})
    assert (found.publish.keep, found.memory_limit) == (3, "2GB")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a: 1\nb: \xff\n", "line 2: is not UTF-8 text; save the file as UTF-8"),
        ("warehouse: a".encode("utf-16"), "line 1: is not UTF-8 text; save the file as UTF-8"),
        (b"#" * 1_000_001, "is longer than 1,000,000 bytes; a configuration is not"),
        (b"", "the file is empty; `costmill init` writes one to start from"),
        (b"\xef\xbb\xbf", "the file is empty; `costmill init` writes one to start from"),
    ],
)
def test_bytes_that_are_no_configuration_are_refused(tmp_path: Path, data: bytes, message: str) -> None:
    file = tmp_path / "costmill.yaml"
    file.write_bytes(data)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(file, environ={})
    assert str(caught.value) == f"{file}: {message}"


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.yaml: cannot be read: No such file"):
        load_settings(tmp_path / "none.yaml", environ={})
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        load_settings(tmp_path, environ={})


def test_without_a_file_the_error_says_how_to_come_by_one() -> None:
    with pytest.raises(ConfigurationError, match=r"no costmill\.yaml here .* by `costmill init`"):
        load_settings(None, environ={})


def test_a_wrong_variable_is_told_with_the_files_problems(tmp_path: Path) -> None:
    found = problems(tmp_path, "x_y_z: 1", {"COSTMILL_BUDGET_EXIT_CODE": "256", "COSTMILL_BUDGET_CURRENCY": "euro"})
    assert found[0].startswith("line 1: x_y_z: unknown key")
    assert found[1:] == [
        "COSTMILL_BUDGET_EXIT_CODE: '256' is no whole number from 0 to 255",
        "COSTMILL_BUDGET_CURRENCY: 'euro' is no ISO 4217 code; write one such as USD or EUR",
    ]


def test_without_a_file_everything_is_beside_the_warehouse(tmp_path: Path) -> None:
    found = default_settings(tmp_path / "w" / "bills.duckdb")
    assert found.file is None
    assert found.warehouse == tmp_path / "w" / "bills.duckdb"
    assert found.publish.path == tmp_path / "w" / "published" / "bills.duckdb"
    assert found.reports.out == tmp_path / "w" / "out"
    assert (found.sources, found.budgets) == ((), None)


def test_without_a_file_the_environment_still_makes_a_budget(tmp_path: Path) -> None:
    found = default_settings(
        tmp_path / "w.duckdb", environ={"COSTMILL_BUDGET_AMOUNT": "5"}, overrides=BudgetOverrides(currency="EUR")
    )
    assert found.budgets is not None
    assert [(scope.amount, scope.currency) for scope in found.budgets.scopes] == [(Decimal(5), "EUR")]


def test_a_warehouse_by_its_path_alone_has_the_settings_of_its_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "costmill.yaml").write_text("usage_log: {path: calls}", encoding="utf-8")
    (tmp_path / "else.yaml").write_text("warehouse: elsewhere/costs.duckdb", encoding="utf-8")
    monkeypatch.chdir(tmp_path.parent)
    monkeypatch.delenv("COSTMILL_CONFIG", raising=False)
    own = settings_of(tmp_path / "warehouse" / "costs.duckdb")
    assert (own.file, own.own_usage_log.path) == (tmp_path / "costmill.yaml", tmp_path / "calls")
    assert own.publish.path == tmp_path / "published" / "costs.duckdb"
    assert settings_of(str(tmp_path / "elsewhere" / "costs.duckdb")).file is None
    monkeypatch.setenv("COSTMILL_CONFIG", str(tmp_path / "else.yaml"))
    assert settings_of(tmp_path / "elsewhere" / "costs.duckdb") == load_settings(find_config())
    assert settings_of(tmp_path / "warehouse" / "costs.duckdb").file == tmp_path / "costmill.yaml"
    assert settings_of(own) is own


WORDS = st.sampled_from([key.rpartition(".")[2] for key in all_keys()]) | st.text(max_size=3)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["USD", "a:*", "1%"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=25,
)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=more(25, 300))
@given(st.dictionaries(WORDS, VALUES, max_size=8))
def test_any_mapping_is_read_or_refused_with_a_path_for_each_problem(tmp_path: Path, made: dict[str, object]) -> None:
    file = write(tmp_path, yaml.safe_dump(made, allow_unicode=True))
    assert all(found.line and found.message for found in problems_of(file))


def problems_of(file: Path) -> list[Problem]:
    try:
        load_settings(file, environ={})
    except ConfigurationError as error:
        return error.problems
    return []
