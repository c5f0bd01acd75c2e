"""How an installation looks: its name, logo, colour and links."""
