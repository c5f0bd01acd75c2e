"""One stage a file: each measures one thing that the project promises, and yields rows of the table."""
