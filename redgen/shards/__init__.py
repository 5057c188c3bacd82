"""From a scenario to any shard: what is read, the plan made of it, and lines as a pure function of plan and time."""
