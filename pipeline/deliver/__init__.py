"""What leaves the house: reports and alerts to people, each told at most once."""
