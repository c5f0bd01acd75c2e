"""Backups: a copy of everything that is kept, in one file that any engine can be restored from."""
