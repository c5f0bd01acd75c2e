"""The HTTP API: JSON in, one service call, JSON out; and the pages that go with it."""
