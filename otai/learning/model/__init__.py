"""A trained model: all that prediction needs, as one file. Nothing here trains."""
