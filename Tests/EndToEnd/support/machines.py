"""Which tests machines in software run: those that show the level, few enough for a slow computer."""

TESTS = {
    "test_answer_and_context", "test_environment_is_used_again", "test_environment_variables", "test_log_tail", "test_large_event",
    "test_large_answer", "test_exception", "test_timeout", "test_memory", "test_layers", "test_globals_and_tmp",
    "test_many_tenants_at_once", "test_shared_files_are_no_channel", "test_nothing_of_the_host_was_changed", "test_doctor",
}
ATTEMPTS = {
    "read_every_file_outside_the_image", "climb_out_of_the_root", "device_files", "change_code_and_runtime",
    "memory_of_the_agent", "socket_of_the_agent", "kill_the_agent", "kill_everything", "become_somebody_else",
    "new_namespaces", "mounts", "clock", "ports_of_the_host", "shared_memory_of_the_neighbour",
}


def in_software(name):
    """`name` as pytest shows it: `test_x[level-parameters]`."""
    test, _, parameters = name.partition("[")
    return test in TESTS or (test == "test_attempt" and any(one in ATTEMPTS for one in parameters.rstrip("]").split("-")))
