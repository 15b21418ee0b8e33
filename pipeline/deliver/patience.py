"""Trying again what was not taken, with pauses that grow; mail has a pause of its own, over all messages together."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.deliver.smtp import DeliveryError

#: How often a message is tried within a run, and the longest pause between two attempts, in seconds.
MOST_ATTEMPTS = 4
LONGEST_PAUSE = 20


class BusyError(DeliveryError):
    """Not taken now. ``after``: seconds that the receiver asks to be left alone for; None: it does not say."""

    def __init__(self, message: str, *, retry: bool, after: float | None = None) -> None:
        super().__init__(message, retry=retry)
        self.after = after


def patiently(attempt: Callable[[], None], pause: Callable[[float], None]) -> None:
    """Call ``attempt`` until it succeeds, is refused for good, or has been tried ``MOST_ATTEMPTS`` times.

    Raises:
        DeliveryError: the last one.
    """
    import tenacity

    def wait(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.after if isinstance(error, BusyError) else None
        return min(2.0 ** (state.attempt_number - 1) if asked is None else asked, LONGEST_PAUSE)

    tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, DeliveryError) and error.retry),
        wait=wait,
        stop=tenacity.stop_after_attempt(MOST_ATTEMPTS),
        sleep=pause,
        reraise=True,
    )(attempt)
