"""Measurements of Wirefile that anyone can repeat: `python -m benchmarks`. Not part of the wheel."""
