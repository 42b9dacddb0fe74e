"""The promises of `docs/guarantees.md`, each with the test that holds the tap to it."""

from __future__ import annotations

PROMISES = {
    "A page has fewer rows than requested, and more rows follow.": (
        "test_every_row_comes_however_the_server_caps_its_pages"
    ),
    "Rows are added or deleted during an offset sync, so that pages shift.": (
        "test_no_row_is_missed_while_rows_come_and_go_all_the_time"
    ),
    "The API serves only whole pages.": "test_an_api_of_whole_pages_is_read_without_overlap",
    "The API ignores the offset.": "test_an_ignored_offset_fails_and_is_named",
    "A page is empty where rows were a moment ago (a soft quota, a depth limit).": (
        "test_an_empty_page_where_rows_stood_never_ends_a_sync"
    ),
    "Rows of equal rank change places from request to request.": "test_rows_of_equal_rank_that_change_places_fail",
    "The content of rows changes with every request (signed links).": (
        "test_rows_whose_content_changes_with_every_request_are_read_once"
    ),
    "Rows are added all the time, at the front or at the end.": "test_a_list_that_grows_at_its_front_is_read_whole",
    "The API repeats its last page for any offset beyond it, or returns 404.": (
        "test_an_api_that_repeats_its_last_page_has_an_end"
    ),
    "The API ignores the page number, or repeats a full page forever.": (
        "test_a_number_that_is_ignored_fails_and_is_named"
    ),
    "Rows are added or deleted while numbered pages are read.": (
        "test_a_row_that_goes_shifts_none_out_of_sight_if_rows_are_counted"
    ),
    "A numbered page is empty, but its response says that more rows follow.": (
        "test_empty_pages_to_the_end_fail_if_more_should_follow"
    ),
    "A next URL or `Link` header leads to another origin.": "test_the_key_is_not_sent_to_another_host",
    "A next URL comes again.": "test_a_url_that_comes_again_fails_and_is_named",
    "Several rows share a cursor of `cursor_row_path`.": "test_no_table_loses_rows_unnoticed",
    "The flag at `has_more_path` says that more rows follow, but none do, or a later page drops it.": (
        "test_a_flag_that_a_later_page_drops_is_no_end"
    ),
    "A cursor or a page comes again.": "test_rows_that_come_again_fail_and_name_the_cursor",
    "There is no cursor at `cursor_path`, but something else shows that more rows follow.": (
        "test_a_cursor_in_another_place_fails_and_is_named"
    ),
    "The API reports a total higher than the number of distinct rows received.": (
        "test_a_total_that_is_not_reached_fails"
    ),
    "The API reports a total lower than that.": "test_a_total_that_was_passed_is_none",
    "An empty page has a new cursor.": "test_empty_pages_with_fresh_cursors_end_in_a_failure",
    "The response contains an error, with or without rows beside it.": "test_an_error_beside_the_rows_is_no_page",
    "The response is an error with status 200.": "test_case",
    "The response is cut off, reset, half of a gzip stream, not JSON, or too slow.": "test_case",
    "The API returns 429 or 503 with `Retry-After`.": "test_an_honest_rate_limit_fails_no_stream",
    "The API returns another status of `retry.statuses`.": "test_statuses",
    "An access token is refused during the sync.": "test_a_refused_token_is_replaced_once",
    "The API returns any other 4xx or 5xx.": "test_statuses",
    "The API redirects to another host.": "test_case",
    "A record has fields that the schema does not know, or values that do not fit.": "test_nothing_is_lost",
    "A record has no primary key.": "test_a_record_without_its_key_fails_and_is_found_by_its_place",
    "A row changes while the sync runs.": "test_bookmark_does_not_pass_the_moment_the_sync_began",
    "Rows are not in the order that `incremental.row_order` promises.": (
        "test_each_row_is_checked_and_each_page_against_the_one_before"
    ),
    "The API serves no more than `paginator.max_pages` pages.": "test_a_sorted_list_is_read_beyond_the_cap",
    "One stream fails.": "test_others_stay_whole",
    "The process is killed during a sync with `incremental.window`, or with rows in ascending order "
    "(`incremental.row_order`).": "test_kill_9",
    "SIGTERM or Ctrl-C stops the tap.": "test_signal_while_rows_flow",
    "The target dies, or a disk is full.": "test_closed_pipe",
    "A FULL_TABLE sync fails with `emit_activate_version_messages` set.": (
        "test_failed_sync_does_not_activate_its_version"
    ),
    "A key is wrong, and the server quotes it.": "test_no_secret_at_debug",
}
