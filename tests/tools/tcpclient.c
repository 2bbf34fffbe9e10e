// SPDX-License-Identifier: GPL-2.0-or-later
/* tcpclient LOG N: on loopback, N rounds of each kind over v4 and v6: a connection that both ends close, one that is
 * refused, one that is reset. Writes to LOG, for each end of each connection:
 *
 *	KIND FAMILY LOCAL LPORT REMOTE RPORT PID
 *
 * KIND: "client", "server", "refused", "reset" (the client of a connection that the server resets). */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union address {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t length(int family)
{
	return family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static union address loopback(int family)
{
	union address a;

	memset(&a, 0, sizeof(a));
	a.sa.sa_family = family;
	if (family == AF_INET)
		a.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		a.v6.sin6_addr = in6addr_loopback;
	return a;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static const char *text(const union address *a, char *buf)
{
	const void *ip = a->sa.sa_family == AF_INET ? (const void *)&a->v4.sin_addr : &a->v6.sin6_addr;

	return inet_ntop(a->sa.sa_family, ip, buf, INET6_ADDRSTRLEN);
}

static int port(const union address *a)
{
	return ntohs(a->sa.sa_family == AF_INET ? a->v4.sin_port : a->v6.sin6_port);
}

static void note(FILE *log, const char *kind, int fd, const union address *remote)
{
	char l[INET6_ADDRSTRLEN], r[INET6_ADDRSTRLEN];
	union address local;
	socklen_t len = sizeof(local);

	if (getsockname(fd, &local.sa, &len))
		die("getsockname");
	fprintf(log, "%s %d %s %d %s %d %d\n", kind, local.sa.sa_family == AF_INET ? 4 : 6, text(&local, l),
		port(&local), text(remote, r), port(remote), getpid());
}

static int listener(int family, union address *ret)
{
	int fd = socket(family, SOCK_STREAM, 0);
	socklen_t len = sizeof(*ret);

	*ret = loopback(family);
	if (fd < 0 || bind(fd, &ret->sa, length(family)) || listen(fd, 16) || getsockname(fd, &ret->sa, &len))
		die("listen");
	return fd;
}

static void converse(FILE *log, int listening, const union address *server, bool reset)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };
	int family = server->sa.sa_family, client = socket(family, SOCK_STREAM, 0), accepted;
	union address peer;
	socklen_t len = sizeof(peer);
	char c;

	if (client < 0 || connect(client, &server->sa, length(family)))
		die("connect");
	accepted = accept(listening, &peer.sa, &len);
	if (accepted < 0)
		die("accept");
	note(log, reset ? "reset" : "client", client, server);
	if (!reset)
		note(log, "server", accepted, &peer);
	if (reset)
		setsockopt(accepted, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	if (reset)
		close(accepted);
	if (!reset && write(client, "x", 1) != 1)
		die("write");
	if (!reset && read(accepted, &c, 1) != 1)
		die("read");
	if (reset && (read(client, &c, 1) >= 0 || errno != ECONNRESET))
		die("not reset");
	close(client);
	if (!reset) {
		if (read(accepted, &c, 1) != 0)
			die("not closed");
		close(accepted);
	}
}

static void refused(FILE *log, int family)
{
	union address nobody, local = loopback(family);
	int fd = listener(family, &nobody), client = socket(family, SOCK_STREAM, 0);

	/* Bound first, so that its port is still known after the refusal. */
	if (client < 0 || bind(client, &local.sa, length(family)))
		die("bind");
	close(fd);
	note(log, "refused", client, &nobody);
	if (!connect(client, &nobody.sa, length(family)) || errno != ECONNREFUSED)
		die("not refused");
	close(client);
}

int main(int argc, char **argv)
{
	static const int families[] = { AF_INET, AF_INET6 };
	FILE *log = argc == 3 ? fopen(argv[1], "w") : NULL;

	if (!log)
		return 2;
	for (int f = 0; f < 2; f++) {
		union address server;
		int fd = listener(families[f], &server);

		for (int i = 0; i < atoi(argv[2]); i++) {
			converse(log, fd, &server, false);
			converse(log, fd, &server, true);
			refused(log, families[f]);
		}
		close(fd);
	}
	return fclose(log) ? 1 : 0;
}
