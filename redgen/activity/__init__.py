"""What happened, in columns by kind, and the builders that benign traffic and attacks share."""
