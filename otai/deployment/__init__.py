"""What an installation needs before strangers reach it: one list of checks, read by `otai check`, by `otai studio` and
at the desk."""

from otai.deployment.checks import CHECKS, Check, Result, Severity, failing, results
from otai.deployment.situation import Situation, situation

__all__ = ["CHECKS", "Check", "Result", "Severity", "Situation", "failing", "results", "situation"]
