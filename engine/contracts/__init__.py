"""Provider files held against their own examples: what came of each, told so that the file can be put right.

What is done by `wirefile test` and by the pytest plugin is done here; an example itself is run by examples.py.
"""
