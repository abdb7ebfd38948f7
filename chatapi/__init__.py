"""The project: settings, and what every app's API shares."""

__version__ = "1.0.0"
