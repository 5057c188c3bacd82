"""Templates with typed holes, compiled to one kernel that writes bytes."""
