"""Reports: what a billing period cost, where it stands, and why the figures can be trusted.

``context`` decides what is said, ``figures`` how a value reads, ``charts`` draws, ``render`` lays it out and writes.
Everything is read from rollups, summaries, budget status and the ledger; the charges are not touched.
"""

from __future__ import annotations
