"""Linear models of every attribute at once: fitted, cross-fitted, blended, and calibrated."""
