"""Shortly, a self-hosted link shortener."""

__version__ = "0.1.0"
