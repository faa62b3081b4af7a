"""The simulated server: a driver library, kernel log and clock outside the product."""
