"""What a server's process does before it answers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import TemporaryUploadedFile

from otai.config.start import receive_beside_jobs
from otai.jobs.folders import arrivals_folder
from otai.jobs.operations import sweep_files


@pytest.mark.django_db
def test_a_form_of_a_process_that_was_killed_leaves_no_file_for_ever(settings: Any) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = None
    receive_beside_jobs()
    with TemporaryUploadedFile("support.csv", "text/csv", 0, None) as arriving:
        path = Path(arriving.temporary_file_path())
        assert path.parent == arrivals_folder()
        os.utime(path, (0, 0))
        sweep_files()
        assert not path.exists()
        path.touch()
