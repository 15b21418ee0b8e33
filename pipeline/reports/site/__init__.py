"""The site: a folder of pages about everything that was ever loaded, opened from disk or from any web server.

``facts`` is what the site keeps of each billing period, ``reading`` takes it from a warehouse, ``pages`` makes of all facts the
pages over several periods, ``searching`` what its search knows; ``folder`` writes, and touches nothing of anybody else.
"""

from __future__ import annotations
