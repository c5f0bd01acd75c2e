"""The redirect: from a request to its answer, in as few steps as can be."""
