# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Checks ``docker-compose.yml``, also where there is no Docker. It needs PyYAML, so
``lint`` runs it with the Python of the cache: ``python -m loyalty_cli.compose``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import yaml

from .paths import ROOT

FILE = ROOT / "docker-compose.yml"
IMAGES = {"db": "postgres:16", "init": "odoo:19", "odoo": "odoo:19"}
LASTING = ("db", "odoo")
"""The services that stay; ``init`` ends."""


def find_faults(text: str) -> Iterator[str]:
    """Say what is wrong with the text of a compose file."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        yield f"it cannot be read: {' '.join(str(error).split())}"
        return
    services = content.get("services") if isinstance(content, dict) else None
    if not isinstance(services, dict) or set(services) != set(IMAGES):
        yield f"its services have to be {', '.join(IMAGES)}"
        return
    for name, image in IMAGES.items():
        if get_image(services[name]) != image:
            yield f"{name}: its image has to be {image}"
    for name in LASTING:
        if not services[name].get("healthcheck", {}).get("test"):
            yield f"{name}: it has no health check"
    for name, needed in (("init", "db"), ("odoo", "db"), ("odoo", "init")):
        if needed not in services[name].get("depends_on", {}):
            yield f"{name}: it has to wait for {needed}"


def get_image(service: dict) -> str | None:
    """Return the published image that a service runs, or that its own is built on."""
    build = service.get("build")
    if not build:
        return service.get("image")
    found = re.search(r"^FROM (\S+)", build.get("dockerfile_inline", ""), re.MULTILINE)
    return found[1] if found else None


def main() -> int:
    faults = list(find_faults(FILE.read_text()))
    for fault in faults:
        print(f"{FILE.name}: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
