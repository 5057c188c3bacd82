"""Actions, the bundled playbooks and the hard negatives."""
