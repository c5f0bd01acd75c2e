"""Clicks: written down by the redirect, enriched and folded into counts by the drain, each exactly once."""
