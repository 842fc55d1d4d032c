"""Trained models in use: versions, the bundle to download, prediction.

Words: model (what a customer trains again and again, by name), version (the outcome of one completed run), bundle (the
model file). Read `models/versions.py`, then `operations.py`.
"""
