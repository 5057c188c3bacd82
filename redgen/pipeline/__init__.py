"""Where the wings meet: generate, inspect, explain."""
