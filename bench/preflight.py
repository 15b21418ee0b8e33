"""`python -m bench.preflight`: how long the question before a call takes, beside plain DuckDB asking the published copy.

A bill of last month and of this one is loaded, policies are counted, some records are not yet loaded, and another process
records meanwhile. Each question is one call of BudgetPolicyService.check_budget; of it and its parts nothing is left out.
"""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb

from pipeline import Actor, BudgetPolicyService, BudgetTrackingService, Policy, UsageRecord, jobs
from pipeline.config import Settings, SourceSettings
from pipeline.config.budgets import PeriodName
from pipeline.config.settings import default_settings
from pipeline.periods import utc_now

ADMIN = Actor("bench", "service", permissions=frozenset(["budget:read", "budget:write", "budget:admin"]))
TEAMS, MODELS, USERS = 40, 10, 1000
PERIODS: tuple[PeriodName, ...] = ("monthly", "daily", "weekly", "yearly")
#: Records a second of the process that records meanwhile.
RATE = 200
SHARES = {"p50": 0.5, "p99": 0.99, "max": 1.0}

BILL = """
COPY (
    SELECT
        'OpenAI' AS ProviderName, 'OpenAI' AS PublisherName, 'OpenAI' AS InvoiceIssuerName, 'acct' AS BillingAccountId,
        'USD' AS BillingCurrency, month AS BillingPeriodStart, month + INTERVAL 1 MONTH AS BillingPeriodEnd,
        hour AS ChargePeriodStart, hour + INTERVAL 1 HOUR AS ChargePeriodEnd, 'Usage' AS ChargeCategory,
        'AI and Machine Learning' AS ServiceCategory, 'Inference' AS ServiceName, 'sub-1' AS SubAccountId,
        'model-' || (h % $models) AS SkuId, 'model-' || (h % $models) AS ResourceId, cost AS BilledCost,
        cost AS EffectiveCost, cost AS ListCost, cost AS ContractedCost,
        MAP {'team': 'team-' || (h // 7 % $teams)} AS Tags
    FROM (
        SELECT
            n, hash(n) AS h, CAST(CAST(1 + hash(n) % 90000 AS INTEGER) AS DECIMAL(18, 6)) / 1000000 AS cost,
            CASE WHEN n % 2 = 0 THEN $this ELSE $this - INTERVAL 1 MONTH END AS month,
            month + to_hours(CAST(hash(n) // 13 % $hours AS INTEGER)) AS hour
        FROM range($rows) AS numbers (n)
    )
) TO '{path}' (FORMAT parquet)"""


def main() -> None:
    """Measure each size of the history, and print a line for each."""
    parser = argparse.ArgumentParser(prog="bench.preflight", description=__doc__)
    parser.add_argument("--charges", type=int, nargs="+", default=[100_000, 1_000_000], help="charges of the history")
    parser.add_argument("--policies", type=int, default=100, help="policies (default: 100)")
    parser.add_argument("--pending", type=int, nargs="+", default=[0, 10_000], help="records that are not yet loaded")
    parser.add_argument("--calls", type=int, default=5000, help="questions (default: 5000)")
    given = parser.parse_args()
    print(f"{'charges':>11}{'pending':>9} | {'cold ms':>8}", *(f"{f'{name} ms':>8}" for name in SHARES), end="")
    print(f"{'CPU ms':>8} | {'plain p50':>9}{'p99':>8}{'CPU ms':>8}")
    for charges in given.charges:
        with tempfile.TemporaryDirectory(prefix="costmill-bench-") as folder:
            settings = prepared(Path(folder), charges, given.policies)
            for pending in given.pending:
                tell(settings, charges, pending, given.calls)


def tell(settings: Settings, charges: int, pending: int, calls: int) -> None:
    """Record what is not loaded, ask, and print the line of one history."""
    tracking = BudgetTrackingService(settings)
    for start in range(0, pending, 1000):
        tracking.record_many(ADMIN, [_call(number) for number in range(start, min(start + 1000, pending))])
    service = BudgetPolicyService(settings)
    with recording(settings):
        cold, _ = timed(lambda number: service.check_budget(ADMIN, _call(number), "0.01"), 1)
        ours, cpu = timed(lambda number: service.check_budget(ADMIN, _call(number), "0.01"), calls)
    with duckdb.connect(str(settings.publish.path), read_only=True) as connection:
        matching = [each.policy for each in service.check_budget(ADMIN, _call(0), "0.01").policies]
        asked = plain([policy.scope_name for policy in matching])
        theirs, plain_cpu = timed(lambda _: connection.execute(asked, [utc_now()]).fetchall(), 50)
    shown = [f"{1000 * _share(ours, share):8.3f}" for share in SHARES.values()]
    told = f"{1000 * _share(theirs, 0.5):9.2f}{1000 * _share(theirs, 0.99):8.2f}{1000 * plain_cpu:8.2f}"
    print(f"{charges:11,}{pending:9,} | {1000 * cold[0]:8.1f}", *shown, f"{1000 * cpu:7.3f} | {told}", flush=True)


def prepared(folder: Path, charges: int, policies: int) -> Settings:
    """Make policies, load the history through the program's own night, and count what the policies came to."""
    bill, now = folder / "bill.parquet", utc_now()
    this = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    hours = max(int((now - this) / timedelta(hours=1)), 1)
    values = {"rows": charges, "this": this, "hours": hours, "teams": TEAMS, "models": MODELS}
    duckdb.connect().execute(BILL.replace("{path}", str(bill)), values)
    settings = replace(
        default_settings(folder / "costs.duckdb", environ={}), sources=(SourceSettings("bill", str(bill)),)
    )
    with jobs.night(settings, "bench", create=True):
        pass
    service = BudgetPolicyService(settings)
    for number in range(policies):
        service.create_policy(ADMIN, _policy(number))
    with jobs.night(settings, "bench") as night:
        night.load([(source, [source.path]) for source in settings.sources])
        night.check_budgets()
    return settings


@contextmanager
def recording(settings: Settings) -> Iterator[None]:
    """Let another process record meanwhile, ``RATE`` records a second."""
    child = os.fork()
    if not child:
        tracking = BudgetTrackingService(settings)
        for number in range(1_000_000):
            tracking.record_usage(ADMIN, _call(number))
            time.sleep(1 / RATE)
        os._exit(0)
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def timed(ask: Callable[[int], object], calls: int) -> tuple[list[float], float]:
    """Return how long each call took, sorted, and CPU seconds of a call."""
    found, used = [], time.process_time()
    for number in range(calls):
        began = time.perf_counter()
        ask(number)
        found.append(time.perf_counter() - began)
    return sorted(found), (time.process_time() - used) / calls


def plain(scopes: list[str]) -> str:
    """SQL over the published copy: what the same policies came to in this month, from the charges."""
    conditions = {"global": "true", "provider": "x_Provider = '{}'", "model": "SkuId = '{}'"}
    sums = []
    for scope, _, name in (each.partition(":") for each in scopes):
        of = conditions.get(scope, f"TagKey = '{scope}' AND TagValue = '{{}}'").format(name)
        sums.append(f"sum(BilledCost) FILTER (WHERE {of})")
    return f"""
        SELECT {", ".join(sums)} FROM charges LEFT JOIN tags USING (x_TagSetId)
        WHERE x_BillingPeriod = strftime(CAST($1 AS TIMESTAMP), '%Y-%m')"""


def _share(seconds: list[float], share: float) -> float:
    return seconds[min(int(len(seconds) * share), len(seconds) - 1)]


def _policy(number: int) -> Policy:
    scopes = [("global", ""), ("provider", "openai"), *(("model", f"model-{each}") for each in range(MODELS))]
    scopes += [("team", f"team-{each}") for each in range(TEAMS)]
    scope, name = scopes[number % len(scopes)]
    period = PERIODS[number // len(scopes) % len(PERIODS)]
    limit = 1_000_000 if name else 1_000_000_000_000
    return Policy(f"p{number}", limit, scope, name, period=period, origin="billed" if number % 3 else "recorded")


def _call(number: int) -> UsageRecord:
    attribution = {"team": f"team-{number % TEAMS}", "user": f"user-{number % USERS}"}
    return UsageRecord(
        *("openai", "chat_completion", f"model-{number % MODELS}"),
        cost="0.0125",
        input_tokens=1200,
        output_tokens=300,
        attribution=attribution,
    )


if __name__ == "__main__":
    main()
