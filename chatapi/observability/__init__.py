"""Logs and health checks for operators."""
