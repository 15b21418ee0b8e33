"""What models cost: prices by model and time, the exact cost of a call, and cheaper models."""
