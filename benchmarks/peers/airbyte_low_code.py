"""Peer: the same streams with the Airbyte CDK's declarative source, which writes Airbyte messages to stdout."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml
from airbyte_cdk.entrypoint import AirbyteEntrypoint, launch
from airbyte_cdk.sources.declarative.yaml_declarative_source import YamlDeclarativeSource

MANIFEST = Path(__file__).with_suffix(".yaml")


def manifest_for(config_file: str) -> Path:
    """Write the manifest with the streams of a configuration next to it, and return the manifest's path."""
    manifest: dict[str, Any] = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    config = json.loads(Path(config_file).read_text(encoding="utf-8"))
    manifest["streams"] = [
        {
            "$ref": f"#/definitions/{'cursor' if stream['api'] == 'analytics' else 'offset'}_stream",
            "name": name,
            "$parameters": {"name": name, **stream},
        }
        for name, stream in config["streams"].items()
    ]
    file = Path(config_file).with_name("manifest.yaml")
    file.write_text(yaml.safe_dump(manifest), encoding="utf-8")
    return file


def main(arguments: list[str]) -> None:
    """Run a command of an Airbyte source."""
    config = AirbyteEntrypoint.extract_config(arguments)
    catalog = AirbyteEntrypoint.extract_catalog(arguments)
    if config is None:
        raise SystemExit("--config is needed: it names the streams")
    source = YamlDeclarativeSource(
        path_to_yaml=str(manifest_for(config)),
        catalog=YamlDeclarativeSource.read_catalog(catalog) if catalog else None,
        config=YamlDeclarativeSource.read_config(config),
    )
    launch(source, arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
