"""Search for the paginator of a stream: by the signs of the first page, then by numbers, each proven by three pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_feedback.evidence import PAGE_COUNTS, members_of
from tap_feedback.paging import CursorPaging, HeaderLinkPaging, JsonLinkPaging, OffsetPaging, PageNumberPaging
from tap_feedback.probe import signs
from tap_feedback.probe.lookout import MOST_ALONE, SEVERAL
from tap_feedback.probe.names import AFTER_KEYS, OFFSETS, PAGES
from tap_feedback.probe.numbering import Numbered, heeded_offsets, heeded_pages, try_offsets, try_pages
from tap_feedback.probe.walk import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_feedback.evidence import Member
    from tap_feedback.paging import Paging
    from tap_feedback.probe.lookout import Lookout
    from tap_feedback.probe.walk import Walk


NO_ORDER = (
    "pages of another size have the rows in another order; add a parameter that sorts them to the stream's `params`"
)


class Search:
    """The search of one stream.

    Args:
        look: What is known of the stream.

    Attributes:
        refuted: Why paginators that looked right were not, in words.
    """

    def __init__(self, look: Lookout) -> None:
        self.look = look
        self.refuted: list[str] = []

    def find(self) -> Walk | None:
        """Return the paginator that was proven; None if none was.

        Raises:
            BudgetSpentError: No request is left.
            ProbeError: As `Exchange.request`.
        """
        kinds: list[Callable[[], Walk | None]] = [self._by_offset, self._by_page]
        names = {member.name for member in members_of(self.look.natural)}
        if names & {*PAGE_COUNTS, "page", "pagenumber", "nextpage"} and "offset" not in names:
            kinds.reverse()
        return next(
            (found for kind in (self._by_link, self._by_cursor, *kinds, self._by_row) if (found := kind())), None
        )

    def _prove(self, kind: type[Paging], **settings: Any) -> Walk | None:
        """Read three pages with a paginator; None if it fails."""
        look = self.look
        limit = look.small if look.size_param else max(len(look.natural.rows), 1)
        settings |= {"location": look.location, "limit": limit, "limit_param": look.size_param}
        found = walk(look.exchange, look.stream, kind(**settings))
        if found.failure is None and look.size_param:
            keys = look.keys_of(found.rows)
            common = min(len(keys), len(look.known))
            if keys[:common] != look.known[:common]:
                found = found._replace(failure=NO_ORDER)
        if found.proven:
            return found
        if found.failure:
            self.refuted.append(f"{kind.__struct_config__.tag}: {found.failure}")
        return None

    # Links and cursors

    def _by_link(self) -> Walk | None:
        """Follow the address of the next page, which the first one has."""
        if signs.has_link_header(self.look.first) and (found := self._prove(HeaderLinkPaging)):
            return found
        found_by = (self._prove(JsonLinkPaging, next_url_path=path) for path in signs.link_paths(self.look.first))
        return next(filter(None, found_by), None)

    def _by_cursor(self) -> Walk | None:
        """Send the cursor that the first page has as a parameter."""
        for cursor in signs.cursors(self.look.first):
            for name in self._cursor_params(cursor):
                if found := self._prove(CursorPaging, cursor_path=cursor.path, cursor_param=name):
                    return found
        return None

    def _cursor_params(self, cursor: Member) -> Iterator[str]:
        """Return the parameters that may take a cursor; if the API ignores all together, only the likeliest."""
        look = self.look
        likeliest, *others = look.params(signs.cursor_params(cursor.path), page=look.natural)
        yield likeliest
        page = look.page({**look.size, **dict.fromkeys(others, cursor.value)})
        if page is None or look.keys(page) != look.keys(look.first):
            yield from others[:MOST_ALONE]
        else:
            self.refuted.append(f"`{cursor.path}` has a cursor, but no known parameter takes it")

    # Numbers

    def _by_offset(self) -> Walk | None:
        """Count the rows."""
        look = self.look
        names, count = look.params(OFFSETS), len(look.natural.rows)
        if count < SEVERAL:
            return None
        step = look.small if look.size_param else 1
        tried = try_offsets(names, count, step)
        page = look.page({**look.size, **tried})
        if page is None or look.keys(page) != look.keys(look.first):
            keys = look.keys(page) if page else []
            for name in (heeded_offsets(tried, look.known, keys) or names)[:MOST_ALONE]:
                alone = look.page({**look.size, name: step})
                if alone is not None and heeded_offsets({name: step}, look.known, look.keys(alone)):
                    return self._prove(OffsetPaging, offset_param=name)
        elif not look.size_param and look.exchange.left > MOST_ALONE:
            # An API of whole pages moves a smaller offset to the beginning of the page.
            for name in self._moving(names, count):
                if found := self._prove(OffsetPaging, offset_param=name):
                    return found
        return None

    def _by_page(self) -> Walk | None:
        """Count the pages."""
        look = self.look
        if len(look.natural.rows) < SEVERAL:
            return None
        names = look.params(PAGES)
        found = self._page_in_view(names) if look.size_param else self._page_out_of_view(names)
        return found and self._prove(PageNumberPaging, page_param=found.name, base_page=found.base)

    def _page_in_view(self, names: list[str]) -> Numbered | None:
        """Find the parameter by small pages, which the natural page shows where they begin."""
        look = self.look
        tried = try_pages(names, len(look.known), look.small)
        page = look.page({**look.size, **tried})
        if page is not None and look.keys(page) == look.keys(look.first):
            return None
        found = heeded_pages(tried, look.known, look.keys(page), look.small) if page else []
        for name in ([each.name for each in found] or names)[:MOST_ALONE]:
            alone = look.page({**look.size, name: 2})
            if alone and (heeded := heeded_pages({name: 2}, look.known, look.keys(alone), look.small)):
                return heeded[0]
        return None

    def _moving(self, names: list[str], number: int) -> list[str]:
        """Return the parameters to try alone, if other rows come for this number in all of them together."""
        page = self.look.page(dict.fromkeys(names, number))
        is_other = page is None or (page.rows and not set(self.look.keys(page)) & set(self.look.known))
        return names[:MOST_ALONE] if is_other else []

    def _page_out_of_view(self, names: list[str]) -> Numbered | None:
        """Find the parameter by pages of which the first alone is known."""
        look = self.look
        for name in self._moving(names, 2):
            second = look.page({name: 2})
            if second is None or not second.rows or set(look.keys(second)) & set(look.known):
                continue
            first = look.page({name: 1})
            return Numbered(name, 1 if first is not None and look.keys(first) == look.known else 0)
        return None

    # The last row

    def _by_row(self) -> Walk | None:
        """Send the key of the last row as a parameter."""
        look = self.look
        if not look.size_param or len(look.stream.primary_keys) > 1:
            return None
        (key,) = look.stream.primary_keys
        names = look.params(AFTER_KEYS)
        after = look.known[look.small : 2 * look.small]
        page = look.page({**look.size, **dict.fromkeys(names, look.known[look.small - 1])})
        if page is not None and (not after or look.keys(page) != after):
            return None
        for name in names:
            if found := self._prove(CursorPaging, cursor_param=name, cursor_row_path=key):
                return found
        return None
