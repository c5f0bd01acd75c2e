"""The engine on Redis or Valkey."""
