// SPDX-License-Identifier: GPL-2.0-or-later
/* faulter N ADDRESS: the kernel reads N times from ADDRESS (hexadecimal), where nothing is. Prints how often it said
 * so. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 0, faults = 0;
	const void *at = argc > 2 ? (const void *)strtoul(argv[2], NULL, 16) : NULL;
	int fds[2];

	if (!at || pipe(fds) < 0)
		return 2;
	for (long i = 0; i < n; i++)
		faults += write(fds[1], at, 1) < 0 && errno == EFAULT;
	printf("%ld\n", faults);
	return 0;
}
