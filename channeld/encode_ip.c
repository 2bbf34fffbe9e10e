/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <string.h>

#include "encode.h"
#include "encode_put.h"

static char *put_dotted(char *out, const uint8_t ip[4])
{
	for (unsigned i = 0; i < 4; i++) {
		out = put_u32_below_1e8(out, ip[i]);
		*out++ = '.';
	}
	return out - 1;
}

char *encode_ip4(char *out, const uint8_t ip[4])
{
	*out++ = '"';
	out = put_dotted(out, ip);
	*out++ = '"';
	return out;
}

char *encode_ip(char *out, const uint8_t ip[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };	/* RFC 4291, 2.5.5.2 */

	*out++ = '"';
	if (memcmp(ip, mapped, sizeof(mapped)) == 0) {
		out = put_dotted(out, ip + 12);
	} else {
		inet_ntop(AF_INET6, ip, out, INET6_ADDRSTRLEN);
		out += strlen(out);
	}
	*out++ = '"';
	return out;
}
