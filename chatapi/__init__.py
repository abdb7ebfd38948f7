"""The project: settings, and the code that all apps share."""

__version__ = "1.0.0"
