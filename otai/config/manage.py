"""Django's management commands for operators and for `make check`: `python -m otai.config.manage COMMAND`."""

import os
import sys

from django.core.management import execute_from_command_line

from otai.environment import InvalidSetting

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "otai.config.settings")
    try:
        execute_from_command_line(sys.argv)
    except InvalidSetting as error:
        sys.exit(f"{error.code}: {error.message}")
