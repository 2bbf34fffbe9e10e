/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CRC32C (Castagnoli, RFC 3720 B.4), by the CPU's instruction where it has one, chosen at first use. */
#ifndef EBPF_AGENT_CRC32C_H
#define EBPF_AGENT_CRC32C_H

#include "base.h"

/* @crc: 0, or what the call for the bytes before returned. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);
/* The same without the instruction: for CPUs that lack it, and to test one by the other. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t len);

#endif
