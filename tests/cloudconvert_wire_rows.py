"""Which test holds the server to which row of the wire: endpoints, operations, codes and the rest.

Files are those of tests of the server and its engines, without `test_` and `.py`.
"""

from typing import Final, TypeAlias

Rows: TypeAlias = dict[str, list[tuple[str, str]]]

JOBS: Final = "local_jobs"
HOOKS: Final = "local_webhooks"
LIFE: Final = "local_life"
MOVED: Final = "local_transfers"
QUOTAS: Final = "local_quotas"
REFUSED: Final = "local_refusals"
SIGNED: Final = "local_signed_urls"
CONVERTED: Final = "local_conversions"
PREVIEWS: Final = "local_previews"
PAGES: Final = "local_pdf_pages"

ENDPOINTS: Final[Rows] = {
    "POST /jobs": [(JOBS, "a_new_job_shows_its_tasks_in_the_submitted_order")],
    "GET /jobs": [(JOBS, "lists_filter_by_status_job_and_operation")],
    "GET /jobs/{id}": [
        (JOBS, "the_blocking_host_answers_with_the_ended_job"),
        (JOBS, "a_redirect_leads_to_the_first_result"),
    ],
    "GET /jobs/{id}/wait": [(JOBS, "the_blocking_host_answers_with_the_ended_job")],
    "DELETE /jobs/{id}": [(JOBS, "a_deleted_job_takes_its_tasks_files_and_links_along")],
    "POST /{operation:path}": [(JOBS, "lone_tasks_build_on_one_another")],
    "GET /tasks": [(JOBS, "lists_are_paged_newest_first_and_keep_their_filters")],
    "GET /tasks/{id}": [(JOBS, "a_task_shows_more_when_asked")],
    "GET /tasks/{id}/wait": [(LIFE, "a_blocking_answer_that_nobody_waits_for_is_given_up")],
    "POST /tasks/{id}/cancel": [(JOBS, "a_waiting_task_can_be_cancelled_once")],
    "POST /tasks/{id}/retry": [(JOBS, "a_retry_is_a_new_task_and_the_old_job_stays")],
    "DELETE /tasks/{id}": [(JOBS, "deleting_the_input_leaves_later_tasks_intact")],
    "GET /operations": [(JOBS, "operations_list_what_present_engines_serve_without_a_key")],
    "GET /convert/formats": [(JOBS, "operations_list_what_present_engines_serve_without_a_key")],
    "GET /users/me": [(JOBS, "the_account_is_shown")],
    "POST /webhooks": [(HOOKS, "a_webhook_is_shown_as_recorded")],
    "GET /webhooks": [(HOOKS, "webhooks_are_listed_filtered_and_paged")],
    "GET /users/me/webhooks": [(HOOKS, "webhooks_are_listed_filtered_and_paged")],
    "GET /webhooks/{id}": [(HOOKS, "an_unknown_webhook_is_not_found")],
    "DELETE /webhooks/{id}": [(HOOKS, "a_deleted_webhook_is_gone_and_hears_nothing")],
    "GET /s/local": [(SIGNED, "whoever_opens_a_link_gets_the_file_without_a_key")],
    "POST /storage/tasks": [(MOVED, "an_upload_is_answered_as_the_storage_does")],
    "GET /storage/tasks/{task_id}/{position:int}/{filename:path}": [
        (MOVED, "parts_of_a_file_can_be_asked_for"),
        (MOVED, "any_change_of_a_link_is_refused"),
    ],
}
"""By method and path below the API's root. Source: CloudConvert API v2."""

OPERATIONS: Final[Rows] = {
    "import/upload": [(MOVED, "forms_of_every_sdk_are_read")],
    "import/url": [(JOBS, "a_url_import_takes_its_name_from_the_answer_or_the_address")],
    "import/base64": [(JOBS, "base64_is_taken_with_a_data_prefix_and_line_breaks")],
    "import/raw": [(JOBS, "lone_tasks_build_on_one_another")],
    "convert": [("engines_listed", "every_format_of_every_engine_that_is_listed_works")],
    "merge": [(CONVERTED, "a_mixed_merge_keeps_the_order_of_its_inputs")],
    "pdf/merge": [(CONVERTED, "a_mixed_merge_keeps_the_order_of_its_inputs")],
    "optimize": [("local_optimize", "each_profile_makes_a_scan_smaller_and_keeps_what_it_shows")],
    "command": [
        ("local_commands", "a_command_works_on_inputs_and_leaves_what_is_in_output"),
        ("engines_commands", "a_command_works_on_inputs_and_leaves_what_is_in_output"),
    ],
    "capture-website": [("engines_capture", "a_page_becomes_a_pdf_with_what_its_script_wrote")],
    "thumbnail": [(PREVIEWS, "a_thumbnail_has_the_size_and_format_asked_for")],
    "watermark": [("local_watermarks", "a_text_goes_on_the_chosen_pages")],
    "metadata": [(PREVIEWS, "metadata_have_exiftools_names")],
    "metadata/write": [(PREVIEWS, "metadata_are_written_and_the_rest_stays")],
    "pdf/split-pages": [(PAGES, "each_page_becomes_a_file")],
    "pdf/extract-pages": [(PAGES, "pages_are_extracted_in_the_order_asked_for")],
    "pdf/rotate-pages": [(PAGES, "chosen_pages_are_rotated")],
    "pdf/encrypt": [(PAGES, "an_encrypted_file_opens_with_its_password_and_allows_what_it_says")],
    "pdf/decrypt": [(PAGES, "an_encrypted_file_opens_with_its_password_and_allows_what_it_says")],
    "pdf/a": [("engines_pdf", "a_pdf_becomes_one_for_archives")],
    "pdf/ocr": [("engines_pdf", "a_scan_gets_its_text_where_it_is_seen")],
    "archive": [(CONVERTED, "another_program_opens_every_archive")],
    "export/url": [(CONVERTED, "several_results_can_be_exported_as_one_zip")],
}

CODES: Final[Rows] = {
    "400 BAD_REQUEST": [(REFUSED, "a_body_that_is_no_json_object_is_a_bad_request")],
    "401 UNAUTHENTICATED": [(REFUSED, "a_missing_key_and_a_wrong_one_get_the_same_answer")],
    "402 CREDITS_EXCEEDED": [(QUOTAS, "credits_run_down_and_then_nothing_that_costs_is_begun")],
    "402 PARALLEL_JOB_LIMIT_EXCEEDED": [
        (QUOTAS, "too_many_jobs_at_once_are_refused_until_one_ends")
    ],
    "403 FORBIDDEN": [(QUOTAS, "a_key_does_what_its_scopes_say")],
    "404 NOT_FOUND": [(REFUSED, "what_is_not_there_gets_the_error_envelope")],
    "405 METHOD_NOT_ALLOWED": [("local_hostile", "a_wrong_method_is_told_which_ones_there_are")],
    "422 INVALID_DATA": [(REFUSED, "each_mistake_in_a_task_is_named_with_its_place")],
    "429 TOO_MANY_REQUESTS": [
        (QUOTAS, "past_the_rate_creations_are_refused_until_the_minute_is_over")
    ],
    "INPUT_TASK_FAILED": [(JOBS, "a_failed_task_fails_what_depends_on_it_and_nothing_else")],
    "SANDBOX_FILE_NOT_ALLOWED": [
        (QUOTAS, "a_sandbox_takes_listed_files_for_nothing_and_no_others")
    ],
    "INVALID_CONVERSION_TYPE": [(CONVERTED, "a_format_nobody_knows_fails_the_task")],
    "CONVERSION_FAILED": [("local_media", "a_film_without_sound_makes_no_sound_file")],
    "TIMEOUT": [("local_media", "a_conversion_past_its_timeout_is_ended")],
    "CANCELLED": [(JOBS, "a_waiting_task_can_be_cancelled_once")],
    "DOWNLOAD_FAILED": [(JOBS, "a_download_that_stops_early_fails")],
    "UPLOAD_FAILED": [(LIFE, "ended_jobs_vanish_after_a_day_and_forgotten_uploads_fail")],
    "OPEN_FAILED": [("local_media", "a_damaged_film_fails_with_the_words_of_ffmpeg")],
    "FILE_TOO_LARGE": [(QUOTAS, "sizes_and_times_have_their_codes")],
    "INSUFFICIENT_CREDITS": [(QUOTAS, "credits_run_down_and_then_nothing_that_costs_is_begun")],
    "INPUT_FILE_NOT_FOUND": [(PAGES, "pages_that_cannot_be_had_fail_with_a_code")],
    "ENGINE_MISSING": [("local_media", "without_ffmpeg_the_install_line_is_told")],
}
"""Codes of refusals, with their status, and of tasks. Source: the same."""

BEHAVIOUR: Final[Rows] = {
    "the blocking host": [(JOBS, "the_blocking_host_refuses_jobs_that_wait_for_an_upload")],
    "unknown fields are ignored": [
        (REFUSED, "texts_that_spell_numbers_and_unknown_fields_are_taken")
    ],
    "headers of the rate": [(QUOTAS, "creations_tell_how_many_more_may_come_and_reads_do_not")],
    "pages of lists": [(JOBS, "lists_are_paged_newest_first_and_keep_their_filters")],
    "fields of a task": [(JOBS, "a_task_carries_every_field_that_recordings_show")],
    "options of a pair": [(JOBS, "options_show_what_holds_for_the_output_format")],
    "retry": [(JOBS, "retries_of_imports_get_their_content_or_a_fresh_form")],
    "upload forms": [(MOVED, "a_changed_or_missing_field_is_refused_and_the_task_waits")],
    "redirect after an upload": [(MOVED, "a_browser_is_sent_on_after_its_upload")],
    "links end": [(MOVED, "a_link_ends_after_a_day")],
    "names of downloads": [(MOVED, "a_download_names_its_file")],
    "ignore_error": [(JOBS, "an_ignored_error_leaves_the_job_finished")],
    "a day of retention": [(LIFE, "ended_jobs_vanish_after_a_day_and_forgotten_uploads_fail")],
    "restarts": [(LIFE, "work_of_a_dead_server_is_finished_by_the_next")],
    "events of jobs": [(HOOKS, "a_job_is_told_when_it_begins_and_when_it_ends")],
    "events of tasks": [(HOOKS, "tasks_are_told_to_those_who_asked_for_them")],
    "a job's own hook": [(HOOKS, "a_jobs_own_hook_hears_of_its_end_only")],
    "repeats of deliveries": [(HOOKS, "what_may_get_better_is_tried_three_times_more")],
    "webhooks that fail": [
        (HOOKS, "after_three_repeats_a_webhook_counts_as_failing_until_it_answers"),
        (HOOKS, "a_receiver_that_is_gone_for_good_is_disabled"),
    ],
    "signed links": [(SIGNED, "each_opening_makes_a_job_unless_a_cache_key_names_one")],
    "base64 of every SDK": [(SIGNED, "every_way_to_write_base64_is_read")],
}
