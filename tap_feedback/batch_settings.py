"""Settings of batch files, in the shape that the SDK gave them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct


class Encoding(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The form of the files."""

    format: Annotated[Literal["jsonl"], Meta(description="Format of the batch files.")]
    compression: Annotated[
        Literal["gzip", "none"] | None, Meta(description="Compression of the batch files; null for none.")
    ] = None


class Storage(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The folder of the files."""

    root: Annotated[
        str,
        Meta(
            min_length=1,
            description="Folder of the batch files, as a path or URL. A remote one needs the fsspec driver of its "
            "storage, such as s3fs. The target must be able to read it, and nothing removes the files.",
        ),
    ]
    prefix: Annotated[str | None, Meta(description="Beginning of the names of the batch files; null for none.")] = None
    params: Annotated[dict[str, Any], Meta(description="Parameters of the fsspec driver, such as keys.")] = {}


class BatchSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How records are passed to the target in files."""

    encoding: Encoding
    storage: Storage
    batch_size: Annotated[int, Meta(ge=1, description="Maximum number of rows of a batch file.")] = 10_000
