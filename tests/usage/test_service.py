"""What is recorded counts at once and once, for whoever may see it, loaded or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import Actor, BudgetTrackingService, CostTracker, DuckDBCostStore, UsageRecord, jobs, subscribe
from pipeline.budgets.events import Event, UsageRecorded
from pipeline.config import Settings, load_settings
from pipeline.errors import NotPermittedError, UnknownModelError, UsageError
from pipeline.night import usage_log
from pipeline.periods import Window
from pipeline.store.warehouse import Warehouse
from pipeline.usage.log import UsageLog, shared
from pipeline.usage.record import checked
from tests.jobs.nights import write_config

KIM = Actor("kim", permissions=frozenset(["budget:write"]))
ACME = replace(KIM, id="ann", tenant="acme")
JOB = Actor("nightly", "job", permissions=frozenset(["*"]))
AT = datetime(2026, 3, 5, 10)
CALL = UsageRecord("OpenAI", "chat_completion", "gpt-4o", cost="0.25", input_tokens=100, time=AT)
MARCH: dict[str, Any] = {"as_of": "2026-03-22"}


def service(folder: Path, **how: Any) -> BudgetTrackingService:
    settings = load_settings(write_config(folder, sources=[], usage_log={"keep_days": 0}), environ={})
    return BudgetTrackingService(settings, **how)


@pytest.fixture
def tracking(tmp_path: Path) -> BudgetTrackingService:
    return service(tmp_path)


def total(tracking: BudgetTrackingService, actor: Actor = KIM, scope: str = "global") -> Decimal:
    return tracking.get_usage_summary(actor, scope, **MARCH).total


def operations() -> list[UsageRecord]:
    """A call of each kind, at powers of two, for different people."""
    names = ("completion", "embedding", "speech", "audio_in", "ocr", "image_generation", "video_x", "web_search")
    return [
        replace(CALL, operation=name, cost=2**at, images=at, success=at != 3, attribution={"team": f"t{at % 3}"})
        for at, name in enumerate(names)
    ]


def test_answers_are_the_same_before_and_after_the_load_and_nothing_is_doubled(tmp_path: Path) -> None:
    tracking = service(tmp_path)
    tracking.record_many(KIM, operations())
    tracking.record_many(ACME, [replace(CALL, provider="Amazon Web Services", model=None, seconds="1.5")])
    asked = [
        (KIM, "global"),
        (KIM, "team:t1"),
        (KIM, "model:gpt-4o"),
        (KIM, "service:gpt-4o"),
        (KIM, "category:vision"),
    ]
    asked += [(KIM, "operation:speech"), (ACME, "global"), (JOB, "provider:AWS")]

    def answer() -> list[Any]:
        fresh = service(tmp_path)
        found = [fresh.get_usage_summary(actor, scope, **MARCH) for actor, scope in asked]
        return [found[0].pending_count, *(replace(each, pending_count=0) for each in found)]

    before = answer()
    jobs.run(tracking.settings)
    loaded = answer()
    assert (before[0], loaded[0], before[1:]) == (8, 0, loaded[1:])
    assert [str(each.total.normalize()) for each in before[1:]] == [
        "255",
        "146",
        "255",
        "255",
        "112",
        "4",
        "0.25",
        "0.25",
    ]
    assert (before[1].failed_count, before[1].images, before[7].seconds) == (1, 28, Decimal("1.5"))
    shared(tracking.settings.own_usage_log).close()
    jobs.run(tracking.settings)
    assert list(tracking.settings.own_usage_log.path.iterdir()) == []
    tracking.record_usage(KIM, CALL)
    assert total(tracking) == Decimal("255.25")


def test_an_answer_is_right_while_a_run_has_loaded_and_not_yet_published(tracking: BudgetTrackingService) -> None:
    tracking.record_usage(KIM, CALL)
    settings = tracking.settings
    with jobs.night(settings, "run", create=True) as night:
        night.load([(usage_log.with_own(settings)[0][0], [str(settings.own_usage_log.path)])], whole=True)
        assert night.warehouse.value("SELECT count(*) FROM charges") == 1
        assert total(tracking) == Decimal("0.25")
    assert total(BudgetTrackingService(settings)) == Decimal("0.25")


def test_a_record_that_stands_twice_counts_once_and_so_does_what_the_tracker_recorded(
    tracking: BudgetTrackingService,
) -> None:
    first = tracking.record_usage(KIM, replace(CALL, id="call-7"))
    CostTracker(DuckDBCostStore(tracking.settings.warehouse)).record("4", "web", timestamp=AT)
    jobs.run(tracking.settings)
    tracking.record_usage(KIM, first)
    assert tracking.get_spend_by_provider(KIM, **MARCH) == {"(none)": Decimal(4), "openai": Decimal("0.25")}
    assert tracking.get_spend_by_model(KIM, "category:web", **MARCH) == {"(none)": Decimal(4)}


def test_tenants_see_and_write_their_own_alone(tracking: BudgetTrackingService) -> None:
    assert tracking.record_usage(ACME, CALL).tenant == "acme"
    tracking.record_usage(JOB, replace(CALL, tenant="other"))
    tracking.record_usage(KIM, CALL)
    assert [total(tracking, actor) for actor in (ACME, KIM, JOB)] == [Decimal("0.25"), Decimal("0.25"), Decimal("0.75")]
    for actor, tenant in ((ACME, "other"), (KIM, "acme")):
        with pytest.raises(NotPermittedError, match="may not record usage of the tenant"):
            tracking.record_usage(actor, replace(CALL, tenant=tenant))


@pytest.mark.parametrize(("words", "reads"), [((), False), (("budget:read",), True)])
def test_every_operation_needs_its_word(tracking: BudgetTrackingService, words: Sequence[str], reads: bool) -> None:
    actor = replace(KIM, permissions=frozenset(words))
    with pytest.raises(NotPermittedError, match="it needs budget:write"):
        tracking.record_llm_usage(actor, "openai", "gpt-4o", cost=1)
    if not reads:
        for ask in (tracking.get_usage_summary, tracking.get_spend_by_category, tracking.get_spend_trend):
            with pytest.raises(NotPermittedError, match="it needs budget:read"):
                ask(actor)
    else:
        assert total(tracking, actor) == 0


def test_a_cached_answer_is_dropped_by_what_it_counts_and_by_nothing_else(tracking: BudgetTrackingService) -> None:
    assert [total(tracking), total(tracking, ACME)] == [0, 0]
    stranger = UsageLog(tracking.settings.own_usage_log)
    stranger.append([checked(CALL, stranger.new_id)])
    tracking.record_usage(ACME, CALL)
    assert [total(tracking), total(tracking, ACME)] == [0, Decimal("0.25")]  # another process: at most 60 s late
    tracking.record_usage(KIM, CALL)
    assert total(tracking) == Decimal("0.5")


def test_it_answers_while_another_writes_the_warehouse(tracking: BudgetTrackingService) -> None:
    tracking.record_usage(KIM, CALL)
    with Warehouse.open(tracking.settings.warehouse):
        assert total(tracking) == Decimal("0.25")


@pytest.mark.parametrize(
    ("costs", "direction", "change"),
    [((1, 1, 1, 1), "stable", 0), ((10, 10, 11, 11), "stable", 10), ((10, 10, 11, 12), "up", 15),
     ((10, 0, 0, 8), "down", -20), ((0, 0, 0, 1), "up", None), ((5, 9, 0), "down", -100)],
)  # fmt: skip
def test_a_trend_holds_the_second_half_against_the_first(
    tracking: BudgetTrackingService, costs: Sequence[int], direction: str, change: int | None
) -> None:
    days = [replace(CALL, cost=cost, time=datetime(2026, 3, 10 + at)) for at, cost in enumerate(costs)]
    tracking.record_many(KIM, days)
    found = tracking.get_spend_trend(KIM, "global", len(costs), period="daily", as_of=f"2026-03-{9 + len(costs)}")
    assert [point.total for point in found.points] == list(costs)
    assert [found.total, found.direction, found.change] == [sum(costs), direction, change]
    assert found.average * len(costs) == pytest.approx(sum(costs))


def test_windows_and_currencies_are_kept_apart(tracking: BudgetTrackingService) -> None:
    tracking.record_many(KIM, [CALL, replace(CALL, currency="EUR"), replace(CALL, time=datetime(2026, 3, 23))])
    with pytest.raises(UsageError, match="EUR and USD have no common total"):
        total(tracking)
    found = tracking.get_usage_summary(KIM, currency="USD", **MARCH)
    assert (found.total, found.period_end, found.origin) == (Decimal("0.25"), datetime(2026, 4, 1), "recorded")
    custom = Window(datetime(2026, 3, 23), datetime(2026, 3, 24))
    assert tracking.get_usage_summary(KIM, period=custom).total == Decimal("0.25")


@pytest.mark.parametrize(
    ("asked", "told"),
    [({"scope": "teem:a"}, "'teem' is no scope of usage; did you mean 'team'"), ({"scope": "team"}, "write global, or"),
     ({"period": "fortnight"}, "'fortnight' is no period")],
)  # fmt: skip
def test_what_cannot_be_asked_is_told(tracking: BudgetTrackingService, asked: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        tracking.get_usage_summary(KIM, **asked)


def test_subscribers_are_told_of_each_record_and_may_fail(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    told: list[Event] = []

    def fail(event: Event) -> None:
        raise ValueError("a bad subscriber")

    ends = [subscribe(fail), subscribe(told.append, UsageRecorded.name)]
    kept = service(tmp_path).record_image_usage(KIM, "openai", "dall-e-3", images=2, cost="0.08")
    for end in ends:
        end()
    [event] = told
    assert isinstance(event, UsageRecorded)
    assert (event.record_id, event.actor, event.cost, event.at) == (kept.id, "kim", Decimal("0.08"), kept.time)
    assert "a subscriber failed on budget.usage_recorded" in caplog.text


def test_without_a_cost_the_price_of_that_time_is_taken(tmp_path: Path) -> None:
    prices = tmp_path / "prices.csv"
    prices.write_text("provider,model,currency,input_per_million\nacme,large,EUR,3\n")
    settings = load_settings(write_config(tmp_path, prices={"overrides": "prices.csv"}), environ={})
    kept = BudgetTrackingService(settings).record_llm_usage(KIM, "acme", "large", input_tokens=1000)
    assert (kept.cost, kept.currency) == (Decimal("0.003"), "EUR")
    kept = service(tmp_path).record_llm_usage(
        KIM,
        "openai",
        "gpt-4o",
        input_tokens=1000,
        cached_input_tokens=400,
        output_tokens=100,
        time=datetime(2026, 1, 1),
    )
    assert (kept.cost, kept.currency) == (Decimal("0.003"), "USD")  # 600 at 2.5, 400 at 1.25, 100 at 10 per million


def test_without_a_price_the_near_models_are_named_and_nothing_is_recorded(tmp_path: Path) -> None:
    tracking = service(tmp_path)
    with pytest.raises(UnknownModelError, match="gpt-4o"):
        tracking.record_llm_usage(KIM, "openai", "gpt-4oo", input_tokens=1)
    assert tracking.list_usage(KIM) == []


def test_a_pricer_of_ones_own_says_it(tmp_path: Path) -> None:
    class Rates:
        def cost(self, usage: UsageRecord) -> tuple[Decimal, str]:
            return Decimal(7), "EUR"

    kept = service(tmp_path, pricer=Rates()).record_llm_usage(KIM, "openai", "gpt-4o", input_tokens=1)
    assert (kept.cost, kept.currency) == (7, "EUR")


def test_a_path_is_enough(tmp_path: Path) -> None:
    tracking = BudgetTrackingService(tmp_path / "costs.duckdb")
    tracking.record_usage(KIM, CALL)
    assert isinstance(tracking.settings, Settings)
    assert total(tracking) == Decimal("0.25")
    assert (tmp_path / "usage").is_dir()
