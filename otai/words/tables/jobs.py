"""How a job ends without a result."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.refusal import Refusal, said

TABLE: Mapping[str, Refusal] = {
    "job_cancelled": said(
        "This was cancelled; nothing was changed.",
    ),
    "job_died": said(
        "The process that worked on this died. Nothing was changed. Try again; if it happens again, tell us.",
    ),
    "job_has_ended": said(
        "This has ended already; there is nothing to cancel.",
    ),
    "job_lost": said(
        "The Studio was stopped while this was worked on. Nothing was changed. Ask for it again.",
    ),
    "job_out_of_memory": said(
        (
            "Reading this needed more than {memory_mb:n}\u00a0MB of memory. Split it into parts, or export it in "
            "another format."
        ),
    ),
    "job_too_large": said(
        "What came of this is larger than one job may write. Split it into parts.",
    ),
    "job_took_too_long": said(
        (
            "This took longer than {seconds:n} seconds and was ended. Split it into parts, or export it in "
            "another format."
        ),
    ),
    "checksum_mismatch.part": said(
        "This part is not what its {algorithm} checksum says: it was changed on its way. Nothing of it was kept.",
    ),
    "invalid_upload.changed": said("This file became shorter while it was sent."),
    "invalid_upload.checksum": said(
        "A checksum is written as an algorithm ({algorithms}) and the digest in base64: sha256 47DEQpj8...",
    ),
    "invalid_upload.empty": said("A file has one byte at least."),
    "invalid_upload.fingerprint": said("A file's own mark has up to 200 characters that can be printed."),
    "invalid_upload.metadata": said(
        "What is said about an upload is written as pairs of a key and a value in base64, with commas between: "
        "filename dGlja2V0cy5jc3Y=",
    ),
    "invalid_upload.part_beyond": said("{most:n} bytes of the file are lacking, and this part is longer."),
    "invalid_upload.part_small": said(
        "A part that is not the last has {least:n} bytes at least; this one has {bytes:n}.",
    ),
    "invalid_upload.version": said("This address speaks tus {speaks}."),
    "not_found.job": said(
        "There is no such job. Its answer is kept for a day.",
    ),
    "too_many_files_wait.columns": said(
        (
            "{files:n} files of yours wait for somebody to say what their columns are; that is the most. Import or "
            "delete one of them."
        ),
    ),
    "upload_incomplete.lacking": said(
        "{received:n} of {bytes:n} bytes of this file are there; the others are lacking."
    ),
    "upload_is_taken.now": said("This file is being made ready by another request."),
    "assembling_busy.one": said(
        "Another large file of your organisation is being put together.", page="Try again in a few seconds."
    ),
    "upload_broke.silent": said(
        "The Studio has not answered for {minutes:n} minutes. {sent:n} of {bytes:n} bytes are there, for a day.",
        command="The same command goes on from there.",
    ),
    "upload_offset.elsewhere": said(
        "{received:n} bytes of this file are there, and this part begins at {offset:n}. Go on where the file ends.",
    ),
    "too_large.upload": said(
        "A file may have up to {megabytes:n}\u00a0MB. Compress it (.csv.gz, .parquet), or split it.",
    ),
    "too_many_jobs.all": said(
        "Too much is waiting to be worked on here. Try again in a minute.",
    ),
    "too_many_jobs.own": said(
        (
            "{open:n} files and questions of yours are waiting or being worked on; that is the most. Wait for one"
            " of them, or cancel it."
        ),
    ),
}
