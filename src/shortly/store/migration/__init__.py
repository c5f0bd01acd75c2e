"""Moving an installation from one store to another."""
