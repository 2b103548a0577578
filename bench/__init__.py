"""Measurements, never tests: `python3 run.py bench`. What they mean stands in docs/performance.md."""
