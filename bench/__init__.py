"""The load benchmark: `make bench`. docs/performance.md tells what it measures."""
