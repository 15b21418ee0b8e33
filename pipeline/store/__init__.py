"""The stores: the abstract one, one in memory, and the warehouse."""
