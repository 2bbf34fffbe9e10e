/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What tests/so/escape.c does, one line each, and what becomes of it: the reason under which the event is counted;
 * `ok`: there is a result; `any`: its processor's results up to the next start of its sandbox may be anything; and the
 * system calls whose refusal is said of it, besides those that not all machines have ("*": libc may look for a
 * library). tests/e2e/escape.t reads this as text. */
#ifndef TESTS_SO_ESCAPE_H
#define TESTS_SO_ESCAPE_H

#define DEEDS(X)                                                                                                \
	X(nothing, ok, "")                                                                                      \
	/* Ways out: each call is refused. */                                                                   \
	X(open_pins, ok, "bpf openat")                                                                          \
	X(open_files, ok, "openat memfd_create openat2 open_by_handle_at chdir ftruncate")                      \
	X(call_bpf, ok, "bpf perf_event_open userfaultfd")                                                      \
	X(open_sockets, ok, "socket socketpair recvmsg")                                                        \
	X(signal_others, ok, "kill tgkill tkill rt_sigqueueinfo pidfd_open pidfd_send_signal")                  \
	X(trace_others, ok, "ptrace process_vm_readv process_vm_writev kcmp setpriority")                       \
	X(fork_and_exec, ok, "clone execve execveat")                                                           \
	X(take_rights, ok, "setuid setgid capset unshare mount seccomp prctl prlimit64 keyctl personality setsid") \
	X(kill_itself, ok, "kill tgkill")                                                                       \
	X(reserve_memory, ok, "mmap mlockall shmget")                                                           \
	/* Ends. */                                                                                             \
	X(segfault, so_crash, "")                                                                               \
	X(overflow_stack, so_crash, "")                                                                         \
	X(divide_by_zero, so_crash, "")                                                                         \
	X(illegal_instruction, so_crash, "")                                                                    \
	X(jump_nowhere, so_crash, "")                                                                           \
	X(call_abort, so_crash, "")                                                                             \
	X(call_exit, so_crash, "")                                                                              \
	X(call_exit_quickly, so_crash, "")                                                                      \
	X(end_thread, so_crash, "*")                                                                             \
	X(end_thread_by_syscall, so_crash, "")                                                                  \
	X(fill_memory, so_crash, "")                                                                            \
	X(loop, so_timeout, "")                                                                                 \
	X(loop_deaf, so_timeout, "rt_sigaction")                                                                \
	X(fault_for_ever, so_timeout, "")                                                                       \
	X(stop_itself, so_timeout, "")                                                                          \
	/* Nonsense. */                                                                                         \
	X(say_garbage, so_error, "")                                                                            \
	X(say_half, so_error, "")                                                                               \
	X(say_bad_utf8, so_error, "")                                                                           \
	X(say_carriage_return, so_error, "")                                                                    \
	X(say_line_feed, so_error, "")                                                                          \
	X(say_nul, so_error, "")                                                                                \
	X(say_much, ok, "")                                                                                     \
	X(say_too_much, oversize, "")                                                                           \
	X(claim_too_much, oversize, "")                                                                         \
	X(trash_context, so_error, "")                                                                          \
	X(say_nothing, filtered, "")                                                                            \
	X(fail, so_error, "")                                                                                   \
	/* The shared memory and what rings. */                                                                 \
	X(fill_eventfds, any, "")                                                                               \
	X(close_all, any, "")                                                                                   \
	X(many_threads, any, "")                                                                                \
	X(scribble_all, any, "")                                                                                \
	X(scribble_rows, any, "")                                                                               \
	X(blame_another, any, "")                                                                               \
	X(claim_done, any, "")                                                                                  \
	X(claim_not_loaded, any, "")                                                                            \
	X(change_lengths_after_check, any, "")                                                                  \
	X(scribble_at_any_time, any, "")

#endif
