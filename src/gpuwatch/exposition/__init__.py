"""Exposition: one snapshot becomes metrics, pages and JSON."""
