"""Run the heavy half: the SQL files that touch every charge."""
