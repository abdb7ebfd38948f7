"""The project: settings, and the code that all apps share."""
