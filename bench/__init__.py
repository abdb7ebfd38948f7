"""Benchmarks: docs/performance.md describes them and their results."""
