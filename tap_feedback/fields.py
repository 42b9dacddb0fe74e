"""Types of settings: texts of a known format, and numbers within bounds."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta


def text_of(*formats: str, **more: bool | int) -> Meta:
    """Mark a text as having these formats; see `formats.FORMATS`."""
    if len(formats) == 1:
        return Meta(extra_json_schema={"format": formats[0], **more})
    return Meta(extra_json_schema={"allOf": [{"format": name} for name in formats], **more})


#: A name that the API uses, in one line.
Name = Annotated[str, text_of("name")]
#: A path into a response, or into the body of a request.
DottedPath = Annotated[str, text_of("dotted-path")]
UrlPath = Annotated[str, text_of("url-path")]
Scalar = str | int | float | bool
Params = dict[str, Scalar | tuple[Scalar, ...]]
Headers = dict[Annotated[str, text_of("header-name")], Annotated[str, text_of("header-value")]]
Json = dict[str, Any]
# The upper bounds, a million and ten years, keep results within what clocks and APIs can represent.
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
Seconds = Annotated[float, Meta(ge=0, le=315_360_000)]
