/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a daemon, in the order in which svc.h tells it. */
#include "svc.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "paths.h"
#include "svc_private.h"

#define TICK_MS           1000
#define TICKS_WITHOUT_BUS 2	/* then it is ready all the same */
#define CLOSE_WAIT_MS     5000
#define LOCK_TRIES        10	/* × 20 ms: a predecessor that was killed may still be leaving */

uv_loop_t *svc_loop(struct svc *s)
{
	return &s->loop;
}

const void *svc_conf(const struct svc *s)
{
	return s->config.obj;
}

sd_bus *svc_bus(struct svc *s)
{
	return s->bus;
}

int svc_helper_fd(const struct svc *s)
{
	return s->helper_fd;
}

void svc_stop(struct svc *s, int status)
{
	if (!s->stopping)
		s->status = status;
	s->stopping = true;
	uv_stop(&s->loop);
}

static uint64_t clock_usec(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000ULL + t.tv_nsec / 1000;
}

void svc_ready(struct svc *s)
{
	int err;

	if (s->ready)
		return;
	s->ready = true;
	err = s->def->running ? s->def->running(s->self) : 0;
	if (err < 0) {
		log_error("cannot run: %s", strerror(-err));
		svc_stop(s, EXIT_FAILURE);
		return;
	}
	svc_notify_ready(s);
	log_info("ready (%s)", s->bus ? s->bus_name : "without a bus");
}

/* ---- reload -------------------------------------------------------------------------------------------------- */

static void apply_level(struct svc *s)
{
	log_init(s->def->name, s->forced_level >= 0 ? s->forced_level : svc_config_level(&s->schema, &s->config));
}

static int reload_config(struct svc *s, struct diag *d)
{
	struct svc_config c;
	int err = svc_config_read(&s->schema, s->dirs, s->def->name, &c, d);

	if (err < 0)
		return err;
	err = s->def->reload ? s->def->reload(s->self, c.obj) : 0;
	if (err < 0) {
		svc_config_fini(&c);
		return diag_fail(d, err, NULL, 0, "the new configuration was refused: %s", strerror(-err));
	}
	svc_config_fini(&s->config);
	s->config = c;
	apply_level(s);
	return 0;
}

int svc_reload(struct svc *s, struct diag *d)
{
	char text[64];
	int err;

	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu",
		 (unsigned long long)clock_usec(CLOCK_MONOTONIC));
	(void)svc_notify(text);
	err = reload_config(s, d);
	for (size_t i = 0; i < d->n_warnings; i++)
		log_warning("%s", d->warnings[i]);
	if (err < 0)
		svc_degraded(s, "config", "%s", d->error[0] ? d->error : strerror(-err));
	else
		svc_degraded(s, "config", NULL);
	if (err == 0)
		log_info("configuration read again");
	if (s->ready)
		svc_notify_ready(s);
	return err;
}

/* ---- the loop ------------------------------------------------------------------------------------------------ */

static void look(struct svc *s)
{
	if (s->def->look && !s->stopping)
		s->def->look(s->self);
}

static void on_signal(uv_signal_t *h, int number)
{
	struct svc *s = h->data;
	cleanup(diag_fini) struct diag d = { 0 };

	if (number == SIGHUP)
		(void)svc_reload(s, &d);
	else
		svc_stop(s, EXIT_SUCCESS);
}

static void on_tick(uv_timer_t *t)
{
	struct svc *s = t->data;

	svc_bus_try(s);
	if (++s->ticks >= TICKS_WITHOUT_BUS)
		svc_ready(s);
	if (s->ready && !s->told_ready)
		svc_notify_ready(s);
	look(s);
}

static void on_watchdog(uv_timer_t *t)
{
	(void)t;
	(void)svc_notify("WATCHDOG=1");
}

/* However many hints wait, they all say the same: look again, once. */
static void on_hints(uv_poll_t *p, int status, int events)
{
	struct svc *s = p->data;
	struct hint h;

	(void)status, (void)events;
	while (wire_receive(s->hints, &h) == 0)
		;
	look(s);
}

static int start_hints(struct svc *s)
{
	int err = wire_bind(s->def->name, &s->hints);

	if (err < 0) {
		/* Hints only make things quick; once a second everybody looks by himself. */
		log_warning("no hints will be received: %s", strerror(-err));
		return 0;
	}
	err = uv_poll_init(&s->loop, &s->hints_poll, wire_fd(s->hints));
	s->hints_poll.data = s;
	return err < 0 ? err : uv_poll_start(&s->hints_poll, UV_READABLE, on_hints);
}

static int start_loop(struct svc *s)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };
	uint64_t usec = 0;
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(numbers) && err == 0; i++) {
		uv_signal_init(&s->loop, &s->signals[i]);
		s->signals[i].data = s;
		err = uv_signal_start(&s->signals[i], on_signal, numbers[i]);
	}
	uv_timer_init(&s->loop, &s->tick);
	s->tick.data = s;
	uv_timer_init(&s->loop, &s->watchdog);
	if (err == 0)
		err = uv_timer_start(&s->tick, on_tick, TICK_MS, TICK_MS);
	if (err == 0 && sd_watchdog_enabled(0, &usec) > 0)
		err = uv_timer_start(&s->watchdog, on_watchdog, 0, MAX(usec / 2000, (uint64_t)1));
	return err;
}

static void close_handle(uv_handle_t *h)
{
	if (h->loop && !uv_is_closing(h))
		uv_close(h, NULL);
}

static void close_handles(struct svc *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->signals); i++)
		close_handle((uv_handle_t *)&s->signals[i]);
	close_handle((uv_handle_t *)&s->tick);
	close_handle((uv_handle_t *)&s->watchdog);
	close_handle((uv_handle_t *)&s->hints_poll);
	close_handle((uv_handle_t *)&s->helper_poll);
}

static void on_close_wait(uv_timer_t *t)
{
	uv_stop(t->loop);
}

static void tell_leak(uv_handle_t *h, void *arg)
{
	(void)arg;
	log_error("bug: a %s handle was left open", uv_handle_type_name(h->type));
}

/* A handle that its owner forgot is an error that tests see, not a daemon that never ends. */
static void end_loop(struct svc *s)
{
	uv_timer_t guard;

	uv_timer_init(&s->loop, &guard);
	uv_timer_start(&guard, on_close_wait, CLOSE_WAIT_MS, 0);
	uv_unref((uv_handle_t *)&guard);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&guard, NULL);
	uv_run(&s->loop, UV_RUN_NOWAIT);
	if (uv_loop_close(&s->loop) == 0)
		return;
	uv_walk(&s->loop, tell_leak, NULL);
	s->status = EXIT_FAILURE;
}

/* ---- before the loop ----------------------------------------------------------------------------------------- */

static int make_folder(const char *name)
{
	char path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", path_runtime(), name) >= sizeof(path))
		return -ENAMETOOLONG;
	if (mkdir(path, 01770) < 0)
		return errno == EEXIST ? 0 : -errno;
	return chmod(path, 01770) < 0 ? -errno : 0;	/* whatever the umask was */
}

static int check_ground(const struct svc *s)
{
	uint64_t missing = s->def->rights ? rights_missing(s->def->rights->start_caps) : 0;
	char text[512];
	struct stat st;

	if (missing) {
		rights_caps_text(missing, text, sizeof(text));
		log_error("lacks %s: it is started by its unit or by \"ebpfctl run\", as root", text);
		return -EPERM;
	}
	if (stat(path_runtime(), &st) < 0 || !S_ISDIR(st.st_mode)) {
		log_error("the runtime directory %s is not there: start ebpf-agent.target, or use \"ebpfctl run\"",
			  path_runtime());
		return -ENOENT;
	}
	return 0;
}

static int lock_file(int fd)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK)
			return -errno;
		usleep(20000);
	}
	return -EBUSY;
}

static int take_lock(struct svc *s)
{
	char path[PATH_MAX];
	int err = make_folder("lock");

	if (err == 0)
		err = make_folder("hint");
	if (err == 0)
		err = path_lock(s->def->name, path);
	if (err == 0) {
		s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660);
		err = s->lock < 0 ? -errno : lock_file(s->lock);
	}
	if (err == -EBUSY)
		log_error("another %s runs on %s", s->def->name, path_runtime());
	else if (err < 0)
		log_error("cannot use %s: %s", path_runtime(), strerror(-err));
	return err;
}

/* Capabilities belong to threads, so they go before libuv's, nanomsg's or the daemon's first one is made; the filter
 * comes after start(), for all threads. */
static int begin(struct svc *s)
{
	const struct rights *r = s->def->rights;
	int err = check_ground(s);

	if (err == 0)
		err = take_lock(s);
	if (err == 0 && r && r->helper)
		err = svc_helper_start(s);
	if (err == 0 && r && (err = rights_drop_caps(r)) < 0)
		log_error("cannot drop capabilities: %s", strerror(-err));
	return err;
}

static int run_up(struct svc *s)
{
	const struct rights *r = s->def->rights;
	int err = start_loop(s);

	if (err == 0)
		err = svc_helper_watch(s);
	if (err == 0)
		err = start_hints(s);
	if (err == 0 && s->def->start)
		err = s->def->start(s, &s->self);
	s->started = err == 0;
	if (err < 0) {
		log_error("cannot start: %s", strerror(-err));
		return err;
	}
	if (r && (err = rights_apply(r)) < 0)
		log_error("cannot drop rights: %s", strerror(-err));
	return err;
}

static int live(struct svc *s)
{
	int err = uv_loop_init(&s->loop);

	if (err < 0)
		return err;
	err = run_up(s);
	if (err == 0) {
		svc_bus_try(s);
		look(s);
		while (!s->stopping)
			uv_run(&s->loop, UV_RUN_DEFAULT);
	}
	s->stopping = true;
	(void)svc_notify("STOPPING=1\nSTATUS=stopping");
	if (s->started && s->def->stop)
		s->def->stop(s->self);
	svc_bus_close(s);
	close_handles(s);
	end_loop(s);
	wire_free(s->hints);
	return err;
}

static int run(struct svc *s)
{
	int err;

	snprintf(s->bus_path, sizeof(s->bus_path), "/org/ebpfagent/%s", s->def->bus);
	snprintf(s->bus_name, sizeof(s->bus_name), "org.ebpfagent.%s", s->def->bus);
	s->started_at = clock_usec(CLOCK_REALTIME);
	umask(0007);	/* the daemons share a group */
	signal(SIGPIPE, SIG_IGN);
	err = begin(s);
	if (err == 0)
		err = live(s);
	svc_helper_stop(s);
	svc_troubles_free(s);
	if (s->lock >= 0)
		close(s->lock);
	return err < 0 ? EXIT_FAILURE : s->status;
}

/* ---- arguments ----------------------------------------------------------------------------------------------- */

static void usage(const struct svc_def *def, FILE *f)
{
	fprintf(f,
		"ebpf-%s [OPTION…]\n%s\n\n"
		"  --check            read the configuration, print the effective one, and end\n"
		"  --config DIRS      directories of configuration, a colon list, lowest first\n"
		"  --log-level LEVEL  error, warning, notice, info or debug; the configuration says it otherwise\n"
		"  --version\n"
		"  --help\n",
		def->name, def->about);
}

/* Exit status, or -1: go on. */
static int parse_arguments(struct svc *s, int argc, char **argv, bool *ret_check)
{
	static const struct option options[] = {
		{ "check", no_argument, NULL, 'c' },	{ "config", required_argument, NULL, 'd' },
		{ "log-level", required_argument, NULL, 'l' }, { "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },	{ 0 },
	};
	int o;

	optind = 1;
	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (o) {
		case 'c':
			*ret_check = true;
			break;
		case 'd':
			s->dirs = optarg;
			break;
		case 'l':
			s->forced_level = svc_level_parse(optarg);
			if (s->forced_level >= 0)
				break;
			log_error("--log-level: error, warning, notice, info or debug, not \"%s\"", optarg);
			return 2;
		case 'v':
			printf("ebpf-%s %s\n", s->def->name, AGENT_VERSION);
			return 0;
		case 'h':
			usage(s->def, stdout);
			return 0;
		default:
			usage(s->def, stderr);
			return 2;
		}
	if (optind == argc)
		return -1;
	log_error("unexpected argument \"%s\"", argv[optind]);
	return 2;
}

static int with_config(struct svc *s, bool check)
{
	cleanup(diag_fini) struct diag d = { 0 };
	int err = svc_config_read(&s->schema, s->dirs, s->def->name, &s->config, &d);

	for (size_t i = 0; i < d.n_warnings; i++)
		log_warning("%s", d.warnings[i]);
	if (err < 0) {
		log_error("%s", d.error[0] ? d.error : strerror(-err));
		return EXIT_FAILURE;
	}
	if (check) {
		conf_print(&s->schema.schema, s->config.obj, stdout);
		return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	apply_level(s);
	return run(s);
}

int svc_main(const struct svc_def *def, int argc, char **argv)
{
	struct svc s = { .def = def, .dirs = path_config(), .forced_level = -1, .lock = -1, .helper_fd = -1,
			 .helper_pidfd = -1 };
	bool check = false;
	int status;

	mallopt(M_ARENA_MAX, 1);	/* nanomsg's thread would get one of its own: memory for nothing */
	log_init(def->name, LOG_INFO);
	status = parse_arguments(&s, argc, argv, &check);
	if (status >= 0)
		return status;
	if (svc_schema_init(&s.schema, def) < 0)
		return EXIT_FAILURE;
	status = with_config(&s, check);
	svc_config_fini(&s.config);
	svc_schema_fini(&s.schema);
	return status;
}
