"""Which test holds the engine to which rule of the semantics, R1 to R58.

A rule's tests fail when the rule is switched off, which `switched_off.py` does.
"""

DRIVER = "core/run/test_driver.py"
MIDWAY = "core/run/test_failing_midway.py"
FLOWS = "core/run/test_rules_of_flows.py"
TRACES = "core/run/test_traces.py"
TABLES = "core/run/test_rules.py"
PARTS = "core/run/test_cursor_and_arrays.py"
MORE_AGGREGATORS = "core/run/test_aggregators.py"
SEARCHES = "core/run/test_searches.py"
TRANSACTIONS = "core/run/test_transactions.py"
INITIAL = "core/run/test_initialization.py"
TYPES = "core/run/test_error_types.py"
CONDITIONS = "core/plan/test_conditions.py"
PLANS = "core/plan/test_plans.py"
RETRIES = "core/run/test_rules_of_retries.py"
DUE = "shell/test_due_retries.py"
REPLAYS = "shell/test_cli_replay.py"

HELD: dict[str, list[tuple[str, str]]] = {
    "R1": [(DRIVER, "test_a_bundle_travels_the_whole_flow_before_the_next_one_starts")],
    "R2": [(FLOWS, "test_all_that_one_route_makes_of_a_bundle_is_done_before_the_next_route")],
    "R3": [(TRACES, "test_trace_a_counts_as_published")],
    "R4": [
        (SEARCHES, "test_a_search_without_results_ends_the_way_unless_it_is_to_go_on"),
        (SEARCHES, "test_the_bundle_of_a_search_without_results_has_no_items"),
    ],
    "R5": [
        (DRIVER, "test_a_filter_stops_its_bundle_and_no_other"),
        (FLOWS, "test_a_filter_stops_a_bundle_in_front_of_any_node"),
    ],
    "R6": [(FLOWS, "test_a_router_s_own_filter_keeps_a_bundle_from_every_route")],
    "R7": [
        (CONDITIONS, "test_without_conditions_everything_passes"),
        (CONDITIONS, "test_one_group_must_hold_and_all_in_it"),
    ],
    "R8": [
        (CONDITIONS, "test_every_operator_of_fusion_is_there"),
        (CONDITIONS, "test_an_operator_decides"),
    ],
    "R9": [(CONDITIONS, "test_an_operator_decides")],
    "R10": [("core/plan/test_mistakes.py", "test_a_mistake_is_told_with_its_code_and_exact_place")],
    "R11": [
        (CONDITIONS, "test_an_operator_decides"),
        (FLOWS, "test_a_filter_that_fails_is_an_error_of_its_node"),
    ],
    "R12": [(FLOWS, "test_all_that_one_route_makes_of_a_bundle_is_done_before_the_next_route")],
    "R13": [(DRIVER, "test_every_route_that_wants_a_bundle_runs_and_the_fallback_comes_last")],
    "R14": [
        (DRIVER, "test_every_route_that_wants_a_bundle_runs_and_the_fallback_comes_last"),
        (TRACES, "test_trace_b_a_route_without_a_filter_starves_the_fallback"),
    ],
    "R15": [(FLOWS, "test_a_route_s_filter_is_asked_when_its_turn_comes")],
    "R16": [(FLOWS, "test_what_is_on_another_route_cannot_be_mapped")],
    "R17": [(FLOWS, "test_disabled_and_empty_routes_do_nothing_and_a_router_counts_nothing")],
    "R18": [(FLOWS, "test_disabled_and_empty_routes_do_nothing_and_a_router_counts_nothing")],
    "R19": [(PARTS, "test_elements_carry_their_order_and_primitives_become_values")],
    "R20": [(PARTS, "test_null_and_an_empty_array_give_no_element_and_a_lone_value_gives_one")],
    "R21": [
        (TRACES, "test_trace_c_nested_aggregators_close_from_the_inside"),
        (TRACES, "test_trace_c_with_the_outer_source_everything_comes_in_one_set"),
        (TRACES, "test_trace_c_with_the_trigger_as_source_there_is_one_set_per_cycle"),
    ],
    "R22": [(TRACES, "test_trace_c_with_the_outer_source_everything_comes_in_one_set")],
    "R23": [
        (PLANS, "test_an_aggregator_closes_its_source_and_all_between"),
        (
            MIDWAY,
            "test_after_an_aggregator_of_an_aggregator_what_the_first_one_closed_stays_closed",
        ),
        (MIDWAY, "test_a_router_s_error_route_sees_nothing_of_what_an_aggregator_has_closed"),
    ],
    "R24": [(PARTS, "test_groups_come_in_order_of_first_sight_and_keep_the_order_of_arrival")],
    "R25": [
        (PARTS, "test_an_empty_aggregation_emits_an_empty_array_unless_told_to_stop"),
        (DRIVER, "test_an_iterator_without_elements_still_closes_its_aggregation"),
        (FLOWS, "test_an_aggregator_whose_source_never_ran_emits_nothing"),
        (MIDWAY, "test_a_search_that_fails_at_once_collects_its_substitute_or_nothing"),
    ],
    "R26": [
        (DRIVER, "test_nested_aggregators_close_with_their_own_source"),
        (PARTS, "test_an_empty_aggregation_emits_an_empty_array_unless_told_to_stop"),
        (MORE_AGGREGATORS, "test_a_text_aggregator_puts_rows_together_with_its_separator"),
        (MORE_AGGREGATORS, "test_a_numeric_aggregator_works_out_one_number"),
        (MORE_AGGREGATORS, "test_a_table_has_rows_of_cells_in_the_order_of_its_fields"),
    ],
    "R27": [(DRIVER, "test_nested_aggregators_close_with_their_own_source")],
    "R28": [
        (FLOWS, "test_aggregators_of_one_source_on_several_routes_close_after_its_last_bundle")
    ],
    "R29": [(FLOWS, "test_an_aggregator_misses_what_was_lost_and_takes_a_substitute")],
    "R30": [
        (DRIVER, "test_a_scenario_without_a_trigger_makes_every_cycle"),
        (INITIAL, "test_connections_are_tested_before_modules"),
        (INITIAL, "test_a_module_that_cannot_work_ends_the_run_before_the_first_bundle"),
    ],
    "R31": [
        (TRANSACTIONS, "test_the_latest_node_goes_back_first"),
        (TRANSACTIONS, "test_a_rollback_says_what_went_back_and_what_did_not"),
        (TRANSACTIONS, "test_it_goes_back_with_its_cycle_unless_it_has_committed"),
    ],
    "R32": [
        (
            TRANSACTIONS,
            "test_with_auto_commit_each_operation_is_committed_before_the_next_node_runs",
        ),
        (
            TRANSACTIONS,
            "test_without_it_all_commit_once_after_the_last_operation_of_the_cycle",
        ),
    ],
    "R33": [
        (
            "core/run/test_settings.py",
            "test_a_trigger_that_commits_last_reads_a_failed_cycle_again",
        ),
        (TRANSACTIONS, "test_the_trigger_commits_last_so_not_after_a_failed_commit"),
    ],
    "R34": [
        (DRIVER, "test_after_a_rollback_the_trigger_reads_the_same_again"),
        (FLOWS, "test_a_rollback_gives_the_trigger_its_bundles_back_and_a_commit_does_not"),
        (PARTS, "test_a_rolled_back_cycle_moves_no_mark"),
    ],
    "R35": [
        (TRANSACTIONS, "test_what_cannot_commit_stops_everything_and_what_is_committed_stays"),
        (TRANSACTIONS, "test_what_cannot_roll_back_is_told_and_the_others_go_back"),
    ],
    "R36": [
        (TYPES, "test_in_a_later_node_of_a_scenario_that_stores"),
        (TABLES, "test_defaults_follow_the_type_when_the_scenario_stores"),
        (DRIVER, "test_a_refused_credential_sets_later_bundles_aside_without_running"),
    ],
    "R37": [(FLOWS, "test_a_warning_stays_a_warning_after_a_commit")],
    "R38": [
        (FLOWS, "test_the_nearest_handler_is_taken"),
        (FLOWS, "test_the_scenario_s_own_handler_is_the_last_resort"),
        (PLANS, "test_handlers_go_from_the_node_through_its_routers_to_the_scenario"),
    ],
    "R39": [(DRIVER, "test_a_handler_whose_filter_rejects_the_error_is_passed_over")],
    "R40": [
        (DRIVER, "test_an_error_route_without_a_directive_ignores"),
        (FLOWS, "test_an_error_route_on_which_no_directive_is_reached_ignores"),
        (MIDWAY, "test_a_directive_that_stops_the_cycle_stops_its_error_route_too"),
    ],
    "R41": [(FLOWS, "test_an_error_route_may_choose_by_the_type_of_the_error")],
    "R42": [
        (
            FLOWS,
            "test_the_handler_of_a_node_on_an_error_route_decides_instead_of_the_outer_directive",
        )
    ],
    "R43": [
        (DRIVER, "test_a_failure_inside_an_error_route_is_stored_at_the_node_that_failed_first"),
        (MIDWAY, "test_a_credential_refused_on_an_error_route_leaves_the_failed_node_open"),
    ],
    "R44": [
        (FLOWS, "test_a_break_on_the_first_node_stores_what_the_default_would_not"),
        (INITIAL, "test_a_module_that_cannot_work_ends_the_run_before_the_first_bundle"),
        (TRANSACTIONS, "test_an_operation_that_cannot_commit_stops_the_run_and_asks_no_handler"),
    ],
    "R45": [
        (MORE_AGGREGATORS, "test_a_value_that_does_not_fit_fails_its_bundle_and_no_other"),
        (SEARCHES, "test_a_substitute_for_a_set_is_emitted_in_its_place"),
        (SEARCHES, "test_without_a_substitute_the_set_is_of_what_did_not_fail"),
    ],
    "R46": [(FLOWS, "test_a_handler_costs_no_operation_but_its_modules_do")],
    "R47": [
        (TABLES, "test_break_waits_double_every_other_attempt"),
        (RETRIES, "test_a_break_is_retried_by_its_own_attempts_and_growing_interval"),
    ],
    "R48": [
        (
            "core/run/test_settings.py",
            "test_ten_errors_within_two_minutes_deactivate_whatever_their_type",
        )
    ],
    "R49": [("core/plan/test_mistakes.py", "test_a_mistake_is_told_with_its_code_and_exact_place")],
    "R50": [
        (RETRIES, "test_a_break_ends_early_when_an_attempt_succeeds"),
        (RETRIES, "test_a_break_is_retried_by_its_own_attempts_and_growing_interval"),
    ],
    "R51": [
        (TABLES, "test_the_last_failed_attempt_leaves_the_record_for_a_person"),
        (RETRIES, "test_a_lost_connection_is_retried_by_the_schedule_and_then_waits_for_a_person"),
    ],
    "R52": [
        (DUE, "test_three_retries_of_a_scenario_run_at_once_and_no_more"),
        (DUE, "test_a_sequential_scenario_retries_one_by_one_and_the_oldest_first"),
        (DUE, "test_a_scenario_that_runs_keeps_its_retries_waiting"),
        (
            "shell/test_cli_due.py",
            "test_a_sequential_scenario_runs_again_once_its_retries_have_resolved_all",
        ),
        ("shell/test_serving.py", "test_a_sequential_scenario_rests_until_nothing_is_unresolved"),
    ],
    "R53": [(DRIVER, "test_a_replay_starts_at_the_failed_node_and_resolves_the_record")],
    "R54": [
        ("shell/test_cli_due.py", "test_a_retry_runs_the_scenario_as_it_was"),
        (REPLAYS, "test_the_scenario_of_today_may_map_its_fields_otherwise"),
        (REPLAYS, "test_a_scenario_of_today_that_does_not_fit_is_refused_with_the_reason"),
    ],
    "R55": [
        (DRIVER, "test_a_replay_that_fails_again_keeps_one_record_with_one_more_attempt"),
        (
            RETRIES,
            "test_a_replay_is_an_execution_of_its_own_and_a_later_failure_moves_the_record",
        ),
    ],
    "R56": [(DRIVER, "test_a_replay_inside_an_aggregation_emits_for_its_own_bundle")],
    "R57": [
        (RETRIES, "test_a_handler_applies_in_a_replay_and_its_break_changes_the_same_record"),
    ],
    "R58": [
        ("shell/test_cli_incomplete.py", "test_the_list_is_narrowed_to_a_scenario"),
        (
            "shell/test_cli_incomplete.py",
            "test_an_incomplete_execution_shows_its_reason_place_and_data",
        ),
        ("shell/test_cli_records.py", "test_deleting_by_a_filter_asks_first_and_deletes_no_other"),
    ],
}
"""Tests by rule: file below `tests/`, and name."""
