"""The steps of a night that need room of their own; ``pipeline.jobs`` puts them in order."""
