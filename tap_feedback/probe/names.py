"""Names that APIs use: for rows, keys, times, and the parameters of pages and time ranges, the usual ones first."""

from __future__ import annotations

import re
from typing import Any

#: Names of lists that hold the rows, and of lists beside them; in lower case, by letters and digits alone.
CONTAINERS = (
    "data",
    "items",
    "results",
    "records",
    "result",
    "rows",
    "entries",
    "values",
    "objects",
    "list",
    "response",
)
ASIDE = {
    *("errors", "error", "warnings", "messages", "links", "link", "included", "includes", "facets", "filters", "meta"),
    *("aggregations", "columns", "fields", "schema", "breadcrumbs", "sorts", "notices", "relationships", "pagination"),
}
#: Names of keys, the best first. Then come those that end in `id`, and weaker ones.
KEYS = ("id", "uuid", "guid", "_id", "uid", "gid", "idx", "key", "identifier")
WEAK_KEYS = ("slug", "code", "number", "token", "email", "url", "href", "name")
is_id_name = re.compile(r".*(?:_id|Id|ID|_uuid|Uuid|_key|Key)").fullmatch

#: Names of times that move whenever a row changes, in lower case, by letters and digits alone.
MOVES = re.compile(
    r"(last|date|time|row|record)*(updat(e|ed|es)?|modif(y|ied|ication)|chang(e|ed)?|edit(ed)?)"
    r"(at|on|date|time|timestamp|ts|utc)*"
)
CREATED = re.compile(r".*(creat|submit|receiv|start|sent|add|insert).*")

#: Parameters of the page size.
SIZES = (
    *("limit", "per_page", "page_size", "pageSize", "size", "perPage", "page[size]", "page[limit]", "maxResults"),
    *("count", "take", "max_results", "pageLimit", "page_limit", "items_per_page", "results_per_page", "num"),
)
OFFSETS = ("offset", "skip", "start", "startAt", "from", "page[offset]", "start_at", "startIndex", "start_index")
PAGES = ("page", "page_number", "pageNumber", "page[number]", "p", "pageIndex", "page_index", "page_num", "pageNo")
#: Parameters of a cursor; those that follow from its name are tried before.
CURSORS = (
    *("cursor", "after", "page_token", "pageToken", "starting_after", "page[after]", "page[cursor]", "next_token"),
    *("nextToken", "next_cursor", "nextCursor", "next", "token", "continuation", "continuation_token", "scroll_id"),
)
#: Parameters that take the key of the last row.
AFTER_KEYS = ("starting_after", "after", "after_id", "since_id", "last_id")
#: What precedes the name of a parameter in the name of the cursor, as in `next_cursor`.
NEXT_WORD = re.compile(r"^next[_-]?", re.IGNORECASE)

#: Parameters for the start of a time range: those that name a change, and those that may mean another time.
STARTS = (
    *("updated_after", "updated_since", "modified_since", "updatedAfter", "updatedSince", "modifiedSince"),
    *("modified_after", "updated_from", "updatedFrom", "updated_at_from", "updated_at_min", "changed_since"),
    *("last_updated_after", "filter[updated_since]", "updated_at[gte]", "since", "start_date", "from_date"),
)
#: Words in the name of a start, and in that of the end beside it.
ENDS = (("after", "before"), ("since", "until"), ("since", "before"), ("from", "to"), ("min", "max"), ("gte", "lte"))
NAMES_A_CHANGE = re.compile(r"updat|modif|chang", re.IGNORECASE).search

#: The usual ways to send a key. In the query it may end up in logs, so that is the last resort.
ACCESSES: tuple[dict[str, Any], ...] = (
    {"type": "bearer"},
    {"type": "api_key", "location": "header", "name": "X-API-Key", "prefix": None},
    {"type": "http_basic", "username": None},
    {"type": "api_key", "location": "header", "name": "Authorization", "prefix": None},
    {"type": "api_key", "location": "header", "name": "Authorization", "prefix": "Token"},
    {"type": "api_key", "location": "header", "name": "Authorization", "prefix": "Token token="},
    {"type": "api_key", "location": "query", "name": "api_key", "prefix": None},
)
