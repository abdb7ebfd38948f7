"""The benchmark of the event streams: `python -m bench.live`. docs/performance.md tells of it."""
