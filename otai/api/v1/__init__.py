"""Version 1: one module for each noun. `shapes.py` has the forms that several nouns share."""
