"""Domain: pure values and the arithmetic of decisions; standard library only."""
