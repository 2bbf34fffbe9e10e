/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <string.h>

#include "encode.h"
#include "encode_put.h"

char *encode_ip(char *out, const uint8_t ip[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };	/* RFC 4291, 2.5.5.2 */

	*out++ = '"';
	if (memcmp(ip, mapped, sizeof(mapped)) == 0) {
		for (unsigned i = 12; i < 16; i++) {
			out = put_u32_below_1e8(out, ip[i]);
			*out++ = '.';
		}
		out--;
	} else {
		inet_ntop(AF_INET6, ip, out, INET6_ADDRSTRLEN);
		out += strlen(out);
	}
	*out++ = '"';
	return out;
}
