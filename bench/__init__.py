"""The benchmark: real servers on one core, load generators on another, and one table of what was measured."""
