"""The command line: one module a noun, each a thin door to the same services that the API uses.

Data goes to stdout, messages go to stderr. Nothing heavy is imported before a command needs it.
"""
