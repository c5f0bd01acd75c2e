"""Point in time: each change of the embedded store's databases is kept, so that a restore can choose its moment."""
