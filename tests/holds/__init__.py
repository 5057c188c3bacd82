"""What redgen must hold, shown end to end on demo-sized datasets of all six sources."""
