"""The same streams by the Airbyte CDK's declarative source, which writes Airbyte messages to stdout."""

from __future__ import annotations

import sys
from pathlib import Path

from airbyte_cdk.entrypoint import AirbyteEntrypoint, launch
from airbyte_cdk.sources.declarative.yaml_declarative_source import YamlDeclarativeSource

MANIFEST = Path(__file__).with_suffix(".yaml")


def main(arguments: list[str]) -> None:
    """Run a command of an Airbyte source."""
    config = AirbyteEntrypoint.extract_config(arguments)
    catalog = AirbyteEntrypoint.extract_catalog(arguments)
    source = YamlDeclarativeSource(
        path_to_yaml=str(MANIFEST),
        catalog=YamlDeclarativeSource.read_catalog(catalog) if catalog else None,
        config=YamlDeclarativeSource.read_config(config) if config else None,
    )
    launch(source, arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
