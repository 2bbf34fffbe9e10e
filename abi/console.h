/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A file sink on a descriptor: how `ebpfctl run` gets every event. sinkd takes it as a socket-activation descriptor
 * (LISTEN_FDS, sd_listen_fds_with_names(3)) called CONSOLE_FD_NAME and writes lines to it, never more than PIPE_BUF
 * at once unless one line is longer. Its cursor is called CONSOLE_CURSOR. A new sinkd gets a new pipe: what the old
 * one left unfinished on the old pipe is repeated from the cursor, and the reader drops what it has seen by its id. */
#ifndef EBPF_AGENT_ABI_CONSOLE_H
#define EBPF_AGENT_ABI_CONSOLE_H

#define CONSOLE_FD_NAME "console"
#define CONSOLE_CURSOR  "console"

#endif
