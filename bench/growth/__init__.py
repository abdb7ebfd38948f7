"""Cost against size: `make bench-growth`. docs/performance.md tells what it measures."""
