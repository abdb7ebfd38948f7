"""The project: settings, and what every app's API shares."""
