"""The steps of a night, each for itself; ``pipeline.jobs`` puts them in order."""
