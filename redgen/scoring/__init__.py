"""The metrics of a scorecard, over what matching found: recall, burden, time, and what chance explains."""
