"""Requests to other people's servers: all of them go through ``client.Outbound``, and none of them to the inside."""
