"""The parts of the sample data generator: the company's days, its clouds, and the totals of what was written."""
