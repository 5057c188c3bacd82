"""A dataset that is there: opened, looked over, and any line of it explained."""
