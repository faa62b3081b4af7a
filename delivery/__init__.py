"""Delivery: builds what users install: wheel, Debian and RPM packages, a bundle for air gaps."""
