"""Record a call around it: as a context manager or a decorator, sync or async.

What the call raises is the caller's, and what it returns, too: a recorder that fails is logged and hides neither.
"""

from __future__ import annotations

import functools
import inspect
import logging
import uuid
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import Any, TypeVar

from pipeline.errors import EntryError, PriceError, UsageError, near
from pipeline.usage.record import QUANTITIES, UsageRecord

logger = logging.getLogger(__name__)

_Function = TypeVar("_Function", bound=Callable[..., Any])
#: The calls that are being recorded around this one, the innermost last.
_calls: ContextVar[tuple[Call, ...]] = ContextVar("costmill_usage_calls", default=())


class Call:
    """A call that is being recorded: ``set`` what becomes known of it."""

    def __init__(self, owner: Recording, id: str, fields: Mapping[str, Any]) -> None:
        self.owner = owner
        self.id = id
        self.fields = dict(fields)

    def set(self, **fields: Any) -> None:
        """Note fields of ``UsageRecord``, such as ``output_tokens`` or ``cost``; later ones count."""
        self.fields.update(fields)


class Recording:
    """Records one call per use. Made by ``BudgetTrackingService.recording``; it may be used again and in each other."""

    def __init__(
        self,
        record: Callable[[UsageRecord], object],
        provider: str,
        operation: str,
        fields: Mapping[str, Any],
        usage: Callable[[Any], Mapping[str, Any]] | None,
    ) -> None:
        known = UsageRecord.__dataclass_fields__.keys() - {"id"}  # each use is a record of its own
        unknown = [name for name in fields if name not in known]
        if unknown:
            raise UsageError(f"{unknown[0]!r} is no field that a recording takes{near(unknown[0], known)}")
        self._record = record
        self._fields = {"provider": provider, "operation": operation, **fields}
        self._usage = usage

    def __enter__(self) -> Call:
        around = _calls.get()
        parent = {"parent_id": around[-1].id} if around else {}
        call = Call(self, uuid.uuid4().hex, {**parent, **self._fields})
        _calls.set((*around, call))
        return call

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        calls = _calls.get()
        call = next((each for each in reversed(calls) if each.owner is self), None)
        if call is None:  # begun in another context, such as that of a generator that was thrown away
            logger.error("a call of %s was not recorded: it ended elsewhere than it began", self._fields["provider"])
            return
        _calls.set(tuple(each for each in calls if each is not call))
        self._end(call, is_success=error is None)

    async def __aenter__(self) -> Call:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, function: _Function) -> _Function:
        """Return the function with each call of it recorded.

        Raises:
            UsageError: for a generator, which is called before it does anything: use the context manager in it.
        """
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise UsageError(f"{function.__name__} is a generator: record inside of it, with the context manager")

        @functools.wraps(function)
        def called(*arguments: Any, **named: Any) -> Any:
            with self as call:
                result = function(*arguments, **named)
                self._take(call, result)
                return result

        @functools.wraps(function)
        async def awaited(*arguments: Any, **named: Any) -> Any:
            with self as call:
                result = await function(*arguments, **named)
                self._take(call, result)
                return result

        return awaited if inspect.iscoroutinefunction(function) else called  # type: ignore[return-value]

    def _take(self, call: Call, result: Any) -> None:
        if self._usage is None:
            return
        try:
            call.set(**self._usage(result))
        except Exception:
            logger.exception("what the call used could not be told from its result")

    def _end(self, call: Call, *, is_success: bool) -> None:
        fields = {"success": is_success, **call.fields, "id": call.id}
        if not is_success:
            fields["success"] = False
            if fields.get("cost") is None and all(fields.get(name) is None for name in QUANTITIES):
                fields["cost"] = 0  # it failed before anything was used
        try:
            self._record(UsageRecord(**fields))
        except (EntryError, PriceError) as error:
            logger.error("a call of %s was not recorded: %s", fields.get("provider"), error)
        except Exception:
            logger.exception("a call of %s was not recorded", fields.get("provider"))
