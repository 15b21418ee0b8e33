"""Find exports, tell their format from their contents, and group files into deliveries."""
