"""Benchmarks: ratios in one run; exit status 1 when one is missed."""
