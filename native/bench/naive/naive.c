/* A peer for the benchmark: the first addon one would write. libbpf's ring_buffer__poll calls
 * back for each record, and each record becomes a JavaScript object, handed to a function. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <node_api.h>
#include <string.h>

#include "burst.h"

static struct ring_buffer *ring;
static napi_env environment; /* while poll runs */
static napi_value callback;

static void set(napi_value object, const char *name, napi_value value)
{
	napi_set_named_property(environment, object, name, value);
}

static void set_number(napi_value object, const char *name, double number)
{
	napi_value value;

	napi_create_double(environment, number, &value);
	set(object, name, value);
}

static int deliver(void *context, void *record, size_t size)
{
	const struct burst_event *event = record;
	napi_value object, comm, undefined;
	napi_handle_scope scope;

	(void)context;
	(void)size;
	napi_open_handle_scope(environment, &scope);
	napi_create_object(environment, &object);
	set_number(object, "start_ns", event->start_ns);
	set_number(object, "duration_ns", event->duration_ns);
	set_number(object, "pid", event->pid);
	set_number(object, "tid", event->tid);
	set_number(object, "fd", event->fd);
	set_number(object, "ret", event->ret);
	napi_create_string_utf8(environment, event->comm, strnlen(event->comm, sizeof(event->comm)), &comm);
	set(object, "comm", comm);
	napi_get_undefined(environment, &undefined);
	napi_call_function(environment, undefined, callback, 1, &object, NULL);
	napi_close_handle_scope(environment, scope);
	return 0;
}

/* load(path) -> the program's id */
static napi_value load(napi_env env, napi_callback_info info)
{
	struct bpf_prog_info program = {};
	unsigned int length = sizeof(program);
	struct bpf_object *object;
	napi_value path, id;
	char text[4096];
	size_t count = 1;

	napi_get_cb_info(env, info, &count, &path, NULL, NULL);
	napi_get_value_string_utf8(env, path, text, sizeof(text), &count);
	object = bpf_object__open_file(text, NULL);
	if (!object || bpf_object__load(object) ||
	    bpf_obj_get_info_by_fd(bpf_program__fd(bpf_object__find_program_by_name(object, "burst")), &program, &length)) {
		napi_throw_error(env, NULL, "the program cannot be loaded");
		return NULL;
	}
	ring = ring_buffer__new(bpf_object__find_map_fd_by_name(object, "rb"), deliver, NULL, NULL);
	napi_create_uint32(env, program.id, &id);
	return id;
}

/* poll(function): calls it with each record that is there, after at most 20 ms of waiting */
static napi_value poll_ring(napi_env env, napi_callback_info info)
{
	size_t count = 1;

	environment = env;
	napi_get_cb_info(env, info, &count, &callback, NULL, NULL);
	if (ring_buffer__poll(ring, 20) == 0)
		ring_buffer__consume(ring); /* what is too little for a wake-up */
	return NULL;
}

NAPI_MODULE_INIT()
{
	napi_value function;

	napi_create_function(env, "load", NAPI_AUTO_LENGTH, load, NULL, &function);
	napi_set_named_property(env, exports, "load", function);
	napi_create_function(env, "poll", NAPI_AUTO_LENGTH, poll_ring, NULL, &function);
	napi_set_named_property(env, exports, "poll", function);
	return exports;
}
