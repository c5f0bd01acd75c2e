"""Keeping strangers from doing harm: rate limits, blocked targets, look-alike hosts, reports."""
