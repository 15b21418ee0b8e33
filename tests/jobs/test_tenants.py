"""Two tenants and an operator through every operation, command, report and file: what is one's is found nowhere else."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline import (
    Actor,
    BudgetAlertService,
    BudgetPolicyService,
    BudgetTrackingService,
    Policy,
    UsageRecord,
    asking,
    jobs,
)
from pipeline.budgets.event_table import list_events
from pipeline.config import Settings, load_settings
from pipeline.errors import ConfigurationError, NotPermittedError, UsageError
from pipeline.store import publish, tenants
from pipeline.store.warehouse import Warehouse
from tests.jobs.conftest import Say
from tests.jobs.nights import Charge, write_bill, write_config
from tests.soak import IS_ON

NIGHT = datetime(2026, 3, 22, 23)
OPERATOR = Actor("qzoperator", "job", permissions=frozenset(["*"]))
#: Every name of a tenant's begins with the tenant's: whatever is found of it elsewhere has leaked.
NAMES = ("qzacme", "qzbolt")
ACTORS = {name: Actor(f"{name}-ann", tenant=name, permissions=frozenset(["*"])) for name in NAMES}
CALL = UsageRecord("openai", "chat_completion", cost=5, time=NIGHT)
#: What only the operator may do.
REFUSED = (
    *(
        "run",
        "run --dry-run",
        "publish",
        "publish --all-tenants",
        "summarise",
        "budgets --explain",
        "alerts watch --once",
    ),
    *("deliveries list", "deliveries show x", "deliveries accept x", "deliveries reject x", "restatements", "invoices"),
    *("splits", "tags explain --key team", "tags conflicts", "status --rejected qzacme-own", "close 2026-02", "reload"),
    *(
        "unload qzacme-own --yes",
        "load {made}/exports/qzacme-own --source qzacme-own",
        "report --tenant {other}",
        "site {made}/nowhere --tenant {other}",
        "summarise category --all",
    ),
)
#: What a tenant may ask, and gets an answer of its own to.
ASKED = (
    *("budgets --format json", "budgets list --format json", "alerts list --format json", "events --format json"),
    *("usage list --format json", "usage summary --format json", "usage trend --format json", "forecast --format json"),
    *("status --format json", "status --sources --format json", "tags --format json", "report"),
    *(
        f"summarise {name} --format json"
        for name in ("category", "resource", "tag", "trend", "movers", "reasons", "fiscal", "commitments")
    ),
    *("sql --query top_services", "alerts configs"),
)
#: Those whose answers are figures without a name, or none.
UNNAMED = ("trend", "movers", "reasons", "fiscal", "forecast", "alerts configs")


def charges(name: str, cost: str) -> list[Charge]:
    """A tenant's charges: a service, a resource and tags that nobody else has."""
    tags = f'{{"customer": "{name}", "team": "{name}-team", "{name}-key": "{name}-value"}}'
    return [Charge(f"{name}-service", cost, tags=tags, resource=f"{name}-vm")]


def place(folder: Path, source: str, bill: list[Charge], account: str) -> None:
    path = write_bill(folder / "exports" / source / "2026-03.csv", bill)
    text = path.read_text(encoding="utf-8").replace("sub-1", account).replace("account-1", f"{account}-payer")
    header, *rows = text.splitlines()
    plan = "plan-of-all" if source == "shared" else f"{source}-plan"
    lines = [f"{header},CommitmentDiscountId,CommitmentDiscountStatus", *(f"{row},{plan},Used" for row in rows)]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def settings(folder: Path) -> Settings:
    return load_settings(folder / "costmill.yaml", environ={})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Policies of everybody, calls of everybody, a month of bills, and the night, which publishes everybody's files."""
    folder = tmp_path_factory.mktemp("tenants")
    own = [{"name": f"{name}-own", "path": f"exports/{name}-own", "tenant": name} for name in NAMES]
    rules = [{"value_from": {"tag": "customer"}, "when": {"tag": "customer", "present": True}}]
    team = [{"value": f"{name}-virtual", "when": {"tag": "customer", "equals": name}} for name in NAMES]
    write_config(
        folder,
        sources=[*own, {"name": "shared", "path": "exports/shared"}],
        publish={"path": "published/costs.duckdb", "tenants": True},
        tags={
            "report_keys": ["team", *(f"{name}-key" for name in NAMES)],
            "aliases": {"team": ["qzoperator-alias"]},
            "virtual": [{"key": "x_TenantId", "rules": rules}, {"key": "cell", "rules": team}],
        },
        splits=[{"name": "qzoperator-split", "key": "team", "match": {"tag": "team", "absent": True}, "by": "even"}],
        cost={"budgets": {"global": {"amount": 100, "name": "qzoperator-budget"}}},
        accounts="accounts.csv",
    )
    lines = [f"{name}-account,{name}-account-name,{name}-owner" for name in (*NAMES, "qzoperator")]
    (folder / "accounts.csv").write_text("\n".join(["id,name,owner", *lines]) + "\n", encoding="utf-8")
    for name, cost in zip(NAMES, ("10", "1"), strict=True):
        place(
            folder,
            f"{name}-own",
            [Charge(f"{name}-service-2", cost, tags="", resource=f"{name}-db")],
            f"{name}-account",
        )
    shared = [*charges("qzacme", "2"), *charges("qzbolt", "3"), *charges("qzoperator-x", "4")]
    shared[2] = replace(shared[2], tags='{"qzoperator-key": "qzoperator-value"}')
    place(folder, "shared", shared, "shared-account")
    with Warehouse.open(settings(folder).warehouse):
        pass  # there before the first bill, so that one night does
    service, tracking = BudgetPolicyService(settings(folder)), BudgetTrackingService(settings(folder))
    service.create_policy(OPERATOR, Policy("qzoperator-policy", 1000, id="qzoperator-id"), as_of=NIGHT)
    for name, actor in ACTORS.items():
        service.create_policy(actor, Policy(f"{name}-policy", 30, id=f"{name}-id"), as_of=NIGHT)
        hourly = Policy(f"{name}-hourly", 9, "team", f"{name}-team", "hourly", id=f"{name}-hourly")
        service.create_policy(actor, hourly, as_of=NIGHT)
        tracking.record_usage(actor, replace(CALL, model=f"{name}-model", attribution={"team": f"{name}-team"}))
    tracking.record_usage(OPERATOR, replace(CALL, model="qzoperator-model"))
    jobs.run(settings(folder), as_of=NIGHT)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path


def others(name: str) -> tuple[str, ...]:
    return tuple(other for other in (*NAMES, "qzoperator") if other != name)


def require_own(text: str, name: str, where: str, *, is_empty: bool = False) -> None:
    """Nothing of the others is in a text, and something of one's own is, or the text would prove nothing."""
    for other in others(name):
        at = text.find(other)
        assert at < 0, f"{where}: {text[max(at - 60, 0) : at + 60]!r}"
    assert is_empty or name in text, where


def everything(path: Path) -> str:
    """All that a file's tables and views hold, with the SQL that made them."""
    with duckdb.connect(str(path), read_only=True) as connection:
        names = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE NOT internal UNION SELECT view_name FROM duckdb_views() WHERE NOT internal"
        ).fetchall()
        rows = {name: connection.execute(f'FROM "{name}"').fetchall() for (name,) in names}
        rows["made by"] = connection.execute("SELECT sql FROM duckdb_views() WHERE NOT internal").fetchall()
    return repr(rows)


@pytest.mark.parametrize("name", NAMES)
def test_a_tenant_s_file_holds_what_is_the_tenant_s_and_not_a_byte_of_others(made: Path, name: str) -> None:
    path = tenants.path_of(settings(made).publish.path, name)
    assert path == made / "published" / "tenants" / f"{name}.duckdb"
    for copy in path.parent.glob(f"{name}.*"):
        data = copy.read_bytes()
        assert name.encode() in data
        assert [other for other in others(name) if other.encode() in data] == []
        assert copy.stat().st_mode & 0o222 == 0
        require_own(everything(copy), name, copy.name)
    assert [each.name for each in path.parent.iterdir() if each.name.endswith((".lock", ".wal", ".partial"))] == []


def test_a_tenant_s_figures_are_the_operator_s_of_the_tenant(made: Path) -> None:
    own = settings(made).publish.path
    query = "SELECT x_BillingPeriod, x_Origin, sum({cost}) FROM {table} WHERE x_TenantId = ? GROUP BY ALL ORDER BY ALL"
    expected = {"qzacme": [5, 252], "qzbolt": [5, 84]}
    for name in NAMES:
        with publish.opened(own) as whole, tenants.opened(own, name) as copy:
            for table in ("focus_data_table", "daily_costs", "resource_costs"):
                asked = query.format(table=table, cost="BilledCost")
                assert copy.rows(asked, [name]) == whole.rows(asked, [name])
                assert sorted(row[2] for row in copy.rows(asked, [name])) == sorted(expected[name])
                assert copy.value(f"SELECT count(*) FROM {table} WHERE x_TenantId IS DISTINCT FROM ?", [name]) == 0
            kept = (
                "SELECT budget_id, period_start, current_spend FROM budget_status WHERE budget_id LIKE ? ORDER BY ALL"
            )
            assert copy.rows(kept, [f"policy:{name}%"]) == whole.rows(kept, [f"policy:{name}%"]) != []
            march = "SELECT sum(BilledCost) FROM {0} WHERE x_BillingPeriod = '2026-03'"
            billed = {copy.value(march.format(table)) for table in ("category_summary", "resource_summary")}
            assert billed == {max(expected[name])}
            effective = "SELECT DISTINCT x_EffectiveTags ->> 'cell' FROM focus_data_table WHERE Tags ->> 'customer' = ?"
            assert copy.rows(effective, [name]) == [(f"{name}-virtual",)]


def test_a_commitment_is_a_tenant_s_only_when_all_of_its_charges_are(made: Path) -> None:
    own = settings(made).publish.path
    query = "SELECT CommitmentDiscountId, used_EffectiveCost FROM commitment_summary ORDER BY ALL"
    with publish.opened(own) as whole, tenants.opened(own, "qzacme") as copy:
        assert copy.rows(query) == [("qzacme-own-plan", 210)]
        used = [("plan-of-all", 189), ("qzacme-own-plan", 210), ("qzbolt-own-plan", 21)]
        assert whole.rows(query) == used
        assert copy.value("SELECT count(*) FROM focus_data_table WHERE CommitmentDiscountId = 'plan-of-all'") == 21


@pytest.mark.parametrize("name", NAMES if IS_ON else NAMES[:1])
def test_every_operation_answers_of_the_own_tenant_and_refuses_another_s(made: Path, name: str) -> None:
    own, actor, other = settings(made), ACTORS[name], others(name)[0]
    policies, usage, alerts = BudgetPolicyService(own), BudgetTrackingService(own), BudgetAlertService(own)
    with publish.opened(own.publish.path) as copy:
        answers: dict[str, Any] = {
            "events": list_events(actor, copy),
            "budgets": asking.ask_budgets(copy, replace(own, actor=actor), "2026-03", as_of=NIGHT),
        }
    answers |= {
        "policies": policies.list_policies(actor),
        "policy": policies.get_policy(actor, f"{name}-id"),
        "check": policies.check_budget(actor, replace(CALL, model=f"{name}-model"), 2000),
        "alerts": alerts.list_alerts(actor, as_of=NIGHT),
        "active": alerts.get_active_alerts(actor, as_of=NIGHT),
        "usage": usage.list_usage(actor, as_of=NIGHT),
        "models": usage.get_spend_by_model(actor, as_of=NIGHT),
        "teams": usage.get_spend_trend(actor, f"team:{name}-team", as_of=NIGHT),
    }
    for operation, answer in answers.items():
        require_own(repr(answer), name, operation)
    foreign = alerts.list_alerts(ACTORS[other], as_of=NIGHT)[0].alert_id
    for refused in (
        lambda: policies.get_policy(actor, f"{other}-id"),
        lambda: policies.update_policy(actor, f"{other}-id", {"limit": 1}),
        lambda: policies.delete_policy(actor, f"{other}-id"),
        lambda: policies.check_budget(actor, replace(CALL, tenant=other), 1),
        lambda: policies.create_policy(actor, Policy("x", 1, tenant_id=other)),
        lambda: alerts.acknowledge_alert(actor, foreign),
        lambda: alerts.list_alerts(actor, f"policy:{other}-id"),
        lambda: usage.record_usage(actor, replace(CALL, tenant=other)),
    ):
        with pytest.raises((NotPermittedError, UsageError)):
            refused()


@pytest.mark.parametrize("name", NAMES if IS_ON else NAMES[1:])
def test_a_tenant_s_command_line_tells_its_own_and_refuses_what_is_the_operator_s(
    made: Path, name: str, say: Say, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COSTMILL_TENANT", name)
    monkeypatch.setenv("COSTMILL_ACTOR", f"{name}-ann")
    config = ["--config", str(made / "costmill.yaml")]
    before = sorted(path.name for path in (made / "published").rglob("*"))
    for line in REFUSED:
        ended = say(*line.format(other=others(name)[0], made=made).split(), *config)
        assert (ended.code, ended.stdout) == (64, ""), line
        assert "that is the operator's" in ended.stderr, (line, ended.stderr)
    for line in ASKED:
        out = ["--out", str(tmp_path)] if line.startswith("report") else []
        ended = say(*line.split(), *out, *config)
        assert ended.code in (0, 66), (line, ended)
        quiet = any(word in line for word in UNNAMED)
        require_own(ended.stdout.replace(str(tmp_path), ""), name, line, is_empty=quiet)
    written = sorted(tmp_path.rglob("report.*"))
    assert [path.relative_to(tmp_path).parts[:2] for path in written] == [("tenants", name)]
    for path in written:
        text = path.read_text(encoding="utf-8")
        require_own(text, name, str(path))
        assert f"{name}-policy" in text
        assert "not reconcile" not in text
    site = tmp_path / "site"
    assert say("site", str(site), *config).code in (0, 66)
    pages = [path.read_text(encoding="utf-8") for path in sorted(site.rglob("*")) if path.suffix]
    require_own("\n".join(pages), name, "site")
    assert any(f"Cloud costs of {name}" in text for text in pages)
    for query in (f"FROM '{made}/published/costs.duckdb'", f"ATTACH '{made}/published/costs.duckdb' AS o"):
        assert say("sql", query, *config).code == 64
    assert sorted(path.name for path in (made / "published").rglob("*")) == before


def test_the_operator_sees_tenants_apart_and_publishes_them_by_name(folder: Path, say: Say) -> None:
    config = ["--config", str(folder / "costmill.yaml")]
    text = (folder / "reports" / "2026-03" / "report.md").read_text(encoding="utf-8")
    rows = text[text.index("## Cost by tenant") :].splitlines()[6:10]
    assert [row.split("|")[1].strip() for row in rows] == ["qzacme", "qzbolt", "No tenant’s", "**Total**"]
    assert [row.split("|")[3].strip() for row in rows] == ["$252.00", "$84.00", "$84.00", "**$420.00**"]
    (folder / "published" / "tenants" / "qzacme.duckdb").unlink()
    assert say("publish", "--tenant", "qzacm", *config).stderr.endswith("did you mean 'qzacme'?\n")
    published = say("publish", "--tenant", "qzacme", *config)
    assert published.stdout == f"{folder}/published/tenants/qzacme.duckdb\n"
    assert say("report", "--tenant", "qzbolt", *config).code == 0  # by the file: tenants are published each night
    assert say("publish", "--all-tenants", *config).stdout.split() == [
        f"{folder}/published/tenants/{name}.duckdb" for name in NAMES
    ]


def test_a_charge_that_is_no_longer_a_tenant_s_leaves_its_file(folder: Path) -> None:
    config, path = folder / "costmill.yaml", folder / "published" / "tenants" / "qzacme.duckdb"
    path.resolve().chmod(0o644)
    with duckdb.connect(str(path)) as older:  # what an older program published is replaced as well
        older.execute("DELETE FROM schema_versions WHERE name > '0023'")
    config.write_text(config.read_text(encoding="utf-8").replace("tag: customer", "tag: nothing"), encoding="utf-8")
    with jobs.night(settings(folder), "load") as night, night.loader():
        pass  # what each run begins with
    with tenants.opened(settings(folder).publish.path, "qzacme") as copy:
        assert copy.rows("SELECT DISTINCT x_Source FROM focus_data_table WHERE x_Origin = 'billed'") == [
            ("qzacme-own",)
        ]


@pytest.mark.parametrize("name", ["../../x", "A", "a.1", "", "~", ".hidden", "x" * 300, "a/b", "nul\0", "ü", "-rf"])
def test_no_name_leaves_the_folder_or_takes_another_s_file(name: str, tmp_path: Path) -> None:
    path = tenants.path_of(tmp_path / "costs.duckdb", name)
    assert path.parent == tmp_path / "tenants"
    assert path.resolve().parent == path.parent.resolve()
    assert len(path.name) < 100
    assert "\0" not in path.name
    plain = path.name.removesuffix(".duckdb")
    assert tenants.file_name(plain) != plain
    assert tenants.file_name(name + " ") != tenants.file_name(name)


def test_somebody_else_s_file_is_left_alone(folder: Path) -> None:
    path = folder / "published" / "tenants" / "qzbolt.duckdb"
    path.unlink()
    path.write_text("mine")
    with (
        pytest.raises(ConfigurationError, match="a file that Costmill did not publish"),
        jobs.night(settings(folder), "publish"),
    ):
        pass
    assert path.read_text() == "mine"
