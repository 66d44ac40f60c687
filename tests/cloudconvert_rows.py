"""Which test holds CloudConvert's modules to which row of the reference.

Rows of the four tables are told by their first words; each names files of tests of the client.
"""

from typing import Final, TypeAlias

Rows: TypeAlias = dict[str, list[tuple[str, str]]]

ACCOUNT: Final = "test_cloudconvert_account.py"
API_CALL: Final = "test_cloudconvert_api_call.py"
BREAKS: Final = "test_cloudconvert_breaks.py"
CAPTURE: Final = "test_cloudconvert_capture.py"
CONNECTION: Final = "test_cloudconvert_connection.py"
CREATE_JOB: Final = "test_cloudconvert_create_job.py"
DOWNLOAD: Final = "test_cloudconvert_download.py"
FAULT_TABLE: Final = "test_cloudconvert_fault_table.py"
FAULTS: Final = "test_cloudconvert_faults.py"
FIELDS: Final = "test_cloudconvert_fields.py"
IN_PLACE: Final = "test_cloudconvert_in_place.py"
JOBS: Final = "test_cloudconvert_jobs.py"
ON_EMBEDDED: Final = "test_cloudconvert_on_embedded.py"
OPTIMIZE: Final = "test_cloudconvert_optimize.py"
OPTION_TYPES: Final = "test_cloudconvert_option_types.py"
REPLAYS: Final = "test_cloudconvert_replays.py"
SCENARIOS: Final = "test_cloudconvert_scenarios.py"
TASKS: Final = "test_cloudconvert_tasks.py"
TROUBLES: Final = "test_cloudconvert_troubles.py"

MODULES: Rows = {
    "convert_file": [
        (FIELDS, "test_fields_that_do_not_fit_are_refused_before_any_request"),
        (FIELDS, "test_a_conversion_sends_its_fields_and_delivers_the_file"),
        (FIELDS, "test_an_import_by_url_is_named_by_the_service"),
        (FIELDS, "test_without_download_the_started_job_is_the_output"),
        (FIELDS, "test_a_conversion_takes_a_mapped_array_of_files_in_several_formats"),
        (SCENARIOS, "test_files_of_an_array_aggregator_in_several_formats_are_converted"),
        (OPTION_TYPES, "test_a_text_is_sent_as_the_type_that_the_service_lists"),
        (FIELDS, "test_every_field_is_described"),
    ],
    "merge_files": [
        (FIELDS, "test_several_inputs_come_as_rows_or_as_an_array_of_files"),
        (FIELDS, "test_a_merge_keeps_the_order_of_its_inputs"),
        (ON_EMBEDDED, "test_documents_are_merged_in_their_order"),
    ],
    "create_archive": [
        (FIELDS, "test_several_inputs_come_as_rows_or_as_an_array_of_files"),
        (FIELDS, "test_an_archive_takes_one_file_and_its_options"),
        (ON_EMBEDDED, "test_an_archive_holds_every_input"),
    ],
    "optimize_file": [
        (OPTIMIZE, "test_an_optimization_sends_what_is_chosen_and_nothing_else"),
        (OPTIMIZE, "test_every_field_of_an_optimization_is_described"),
    ],
    "capture_website": [
        (CAPTURE, "test_a_capture_has_no_input_and_sends_its_options"),
        (CAPTURE, "test_fields_of_a_capture_that_do_not_fit_are_refused"),
        (CAPTURE, "test_every_field_of_a_capture_is_described"),
    ],
    "create_job": [
        (CREATE_JOB, "test_tasks_are_sent_linked_by_their_names_in_their_order"),
        (CREATE_JOB, "test_files_of_an_aggregator_go_through_linked_tasks_to_a_download"),
        (SCENARIOS, "test_an_array_aggregator_feeds_a_job_of_several_linked_tasks"),
        (CREATE_JOB, "test_commands_are_executed_on_linked_files"),
        (CREATE_JOB, "test_an_authors_tag_is_sent_as_it_is"),
        (CREATE_JOB, "test_with_a_tag_of_ones_own_a_lost_answer_is_an_unknown_outcome"),
        (CREATE_JOB, "test_every_field_of_a_job_is_described"),
    ],
    "get_job": [(JOBS, "test_a_job_is_shown_as_it_is_now")],
    "list_jobs": [(JOBS, "test_jobs_are_listed_newest_first_with_their_tasks_up_to_the_limit")],
    "delete_job": [
        (JOBS, "test_a_deleted_job_is_gone"),
        (JOBS, "test_a_deletion_whose_answer_is_lost_is_repeated_and_gone_is_done"),
    ],
    "download_file": [
        (DOWNLOAD, "test_an_export_is_downloaded_with_its_task"),
        (DOWNLOAD, "test_files_of_a_task_that_is_no_export_are_exported_first"),
        (DOWNLOAD, "test_each_file_of_a_task_is_a_bundle"),
        (DOWNLOAD, "test_a_task_that_waits_cannot_be_downloaded"),
    ],
    "get_task": [(TASKS, "test_a_task_is_shown_with_all_that_is_known_of_it")],
    "list_tasks": [(TASKS, "test_tasks_are_listed_by_status_job_and_operation_up_to_the_limit")],
    "cancel_task": [(TASKS, "test_a_waiting_task_is_cancelled_and_an_ended_one_cannot_be")],
    "retry_task": [
        (TASKS, "test_a_retry_is_a_new_task_with_an_id_of_its_own"),
        (TASKS, "test_a_retry_whose_answer_is_lost_is_found_and_not_made_twice"),
    ],
    "delete_task": [(TASKS, "test_a_deleted_task_is_gone")],
    "get_my_info": [(ACCOUNT, "test_the_account_is_shown")],
    "list_operations": [
        (ACCOUNT, "test_the_options_of_mov_to_mp4_can_be_read_with_types_defaults_and_values"),
        (SCENARIOS, "test_mov_to_mp4_is_converted_with_options_read_off_the_list_of_operations"),
    ],
    "make_api_call": [
        (API_CALL, "test_a_list_is_under_the_datas_name"),
        (API_CALL, "test_a_jinja_if_inside_the_json_decides_what_is_sent"),
        (API_CALL, "test_fields_that_do_not_fit_are_refused_before_any_request"),
    ],
}
"""Modules of the connector. Source: Fusion's CloudConvert page."""

ERRORS: Rows = {
    "local validation": [(TROUBLES, "test_what_does_not_validate_is_stored_without_a_request")],
    "401": [(FAULT_TABLE, "test_a_refused_key_is_an_access_token_error_that_is_not_retried")],
    "403": [(FAULTS, "test_a_creation_that_is_refused_has_the_error_type_of_the_table")],
    "400, 404, 409, 413, 422": [
        (FAULTS, "test_a_creation_that_is_refused_has_the_error_type_of_the_table"),
        (FAULT_TABLE, "test_refused_fields_are_a_data_error_that_shows_their_messages"),
    ],
    "402 CREDITS_EXCEEDED": [
        (FAULTS, "test_spent_credits_are_a_storable_runtime_error_with_the_seeds_text"),
        (TROUBLES, "test_spent_conversion_time_is_stored_and_waits_for_a_person"),
    ],
    "402 PARALLEL_JOB_LIMIT_EXCEEDED, 429": [
        (FAULTS, "test_too_many_parallel_jobs_are_waited_for"),
        (FAULTS, "test_too_many_parallel_jobs_for_long_are_a_rate_limit"),
        (FAULT_TABLE, "test_a_rate_limit_that_stays_is_a_rate_limit_error_inside_the_deadline"),
    ],
    "5xx, connect and read errors": [
        (FAULT_TABLE, "test_a_service_that_is_down_is_a_connection_error_that_is_retried"),
        (BREAKS, "test_a_conversion_that_breaks_makes_at_most_one_job_and_delivers_all_or_nothing"),
    ],
    "waited 180 s": [
        (FAULTS, "test_a_job_that_never_ends_is_given_up_after_180_seconds_and_left_alone"),
        (FAULT_TABLE, "test_a_job_that_is_late_is_given_up_stored_and_taken_up_by_its_replay"),
    ],
    "job or task error": [
        (FAULTS, "test_a_failed_job_says_what_its_tasks_said_but_not_who_depended_on_them"),
        (FAULTS, "test_a_job_with_several_causes_tells_them_all"),
        (FAULTS, "test_the_code_of_a_failed_task_decides_the_type"),
    ],
    "output over the limit": [
        (FAULTS, "test_a_result_past_the_scenarios_limit_has_the_seeds_text"),
        (TROUBLES, "test_a_result_past_the_limit_is_refused_before_it_is_taken_in"),
    ],
    "download URL 403/404": [
        (FAULTS, "test_an_expired_download_is_a_data_error_and_asked_for_once"),
    ],
}
"""Errors and their types. Source: CloudConvert API v2, errors; Fusion help, error types."""

TROUBLESHOOTING: Rows = {
    "output file size exceeds the limit": [
        (TROUBLES, "test_a_result_past_the_limit_is_refused_before_it_is_taken_in"),
    ],
    "exceeded the maximum conversion time": [
        (TROUBLES, "test_spent_conversion_time_is_stored_and_waits_for_a_person"),
    ],
    "failed to read frame size": [
        (TROUBLES, "test_a_message_of_an_engine_passes_unchanged_and_breaks_neither_line_nor_json"),
        (CONNECTION, "test_the_fields_choose_the_hosts"),
    ],
    "maximum number of repeats exceeded": [
        (TROUBLES, "test_a_late_conversion_is_stored_and_its_replay_takes_up_the_same_job"),
        (FAULTS, "test_the_wait_limit_can_be_longer"),
    ],
    "disable Download a file": [
        (
            TROUBLES,
            "test_without_download_the_bundle_goes_on_at_once_and_the_result_is_picked_up_later",
        ),
    ],
    "MOV to MP4 example": [
        (SCENARIOS, "test_mov_to_mp4_is_converted_with_options_read_off_the_list_of_operations"),
    ],
}
"""Source: Fusion's CloudConvert page, troubleshooting."""

CLIENT_FAULTS: Rows = {
    "429, Retry-After 1, once": [
        (FAULT_TABLE, "test_a_rate_limit_once_is_waited_for_and_makes_one_job"),
    ],
    "429 always": [
        (FAULT_TABLE, "test_a_rate_limit_that_stays_is_a_rate_limit_error_inside_the_deadline"),
    ],
    "500 / 503 always; refused; reset before the request was sent": [
        (FAULT_TABLE, "test_a_service_that_is_down_is_a_connection_error_that_is_retried"),
    ],
    "401": [(FAULT_TABLE, "test_a_refused_key_is_an_access_token_error_that_is_not_retried")],
    "422 with field messages": [
        (FAULT_TABLE, "test_refused_fields_are_a_data_error_that_shows_their_messages"),
    ],
    "create carried out, answer lost": [
        (FAULT_TABLE, "test_a_creation_whose_answer_is_lost_is_looked_up_and_never_made_twice"),
        (
            FAULT_TABLE,
            "test_a_lost_creation_that_cannot_be_looked_up_is_a_connection_error_and_taken_up_later",
        ),
        (REPLAYS, "test_a_creation_whose_answer_was_lost_is_found_by_its_tag"),
        (IN_PLACE, "test_a_lost_creation_that_is_tried_again_in_place_makes_no_other_job"),
    ],
    "no answer; answer dripping": [
        (FAULT_TABLE, "test_an_answer_that_does_not_come_or_drips_is_a_timeout"),
    ],
    "half a JSON document, status 200": [
        (FAULT_TABLE, "test_half_a_document_is_a_data_error_that_is_not_retried"),
    ],
    "redirect loop": [
        (FAULT_TABLE, "test_a_redirect_loop_is_a_connection_error_that_is_retried"),
    ],
    "two 500s while polling": [(FAULT_TABLE, "test_two_failing_polls_are_none")],
    "job vanishes (404)": [(FAULT_TABLE, "test_a_job_that_vanishes_is_a_data_error")],
    "job not ended in 180 s": [
        (FAULT_TABLE, "test_a_job_that_is_late_is_given_up_stored_and_taken_up_by_its_replay"),
        (IN_PLACE, "test_a_late_conversion_that_is_tried_again_in_place_is_taken_up"),
    ],
    "task status error": [(FAULT_TABLE, "test_a_task_that_fails_is_a_data_error_of_its_bundle")],
    "upload form expired": [
        (FAULT_TABLE, "test_an_upload_form_that_has_expired_is_a_data_error_and_leaves_no_job"),
    ],
    "download cut short": [
        (FAULT_TABLE, "test_a_download_cut_short_is_fetched_again"),
        (FAULT_TABLE, "test_a_file_that_stays_short_is_never_delivered"),
        (FAULT_TABLE, "test_a_file_of_another_hash_is_fetched_again_and_never_delivered"),
    ],
    "resets, delays and truncation at each phase": [
        (BREAKS, "test_a_conversion_that_breaks_makes_at_most_one_job_and_delivers_all_or_nothing"),
        (BREAKS, "test_each_call_breaks_at_each_of_its_phases_in_each_way"),
    ],
}
"""Faults of a service, and what its client makes of them. Source: hardening rules, 8."""
