"""Backtest: what the trend test would have flagged in a fleet's own past, and was it right?"""
