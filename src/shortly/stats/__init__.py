"""Statistics: stored counts read back as series, sums, breakdowns and exports; no raw rows."""
