/* Prints, as JSON lines, what libbpf would hand to BPF_PROG_LOAD for each program of the given objects, each loaded alone.
 * It creates the maps, but loads, attaches and pins no program: the load call is replaced at link time.
 *   cc -o libbpf-insns libbpf-insns.c -Wl,--wrap=bpf_prog_load,--wrap=bpf_btf_load,--wrap=feat_supported libbpf.a -lelf -lz      (static libbpf 1.5)
 * LIBBPF_MISSING=N,N,... (numbers of enum kern_feature_id) lets libbpf believe that the kernel lacks features; the types that it loads are then printed too.
 * LIBBPF_SIZE=1 gives maps that state no number of entries two of them, as a loader that knows its object would give them some.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

int __real_bpf_prog_load(enum bpf_prog_type type, const char *name, const char *license, const struct bpf_insn *insns, size_t cnt, struct bpf_prog_load_opts *opts);

int __real_bpf_btf_load(const void *data, size_t size, struct bpf_btf_load_opts *opts);
bool __real_feat_supported(void *cache, int feature);

static struct bpf_object *object;
static const char *object_path, *wanted;
static int reported;
static char warning[4096];
static unsigned char *types;
static size_t types_size;

static bool is_missing(int feature)
{
	const char *list = getenv("LIBBPF_MISSING");

	while (list && *list) {
		if (strtol(list, (char **)&list, 10) == feature)
			return true;
		list += *list == ',';
	}
	return false;
}

bool __wrap_feat_supported(void *cache, int feature)
{
	return !is_missing(feature) && __real_feat_supported(cache, feature);
}

/* Probes load types too, but small ones. */
int __wrap_bpf_btf_load(const void *data, size_t size, struct bpf_btf_load_opts *opts)
{
	if (size > 400) {
		types = realloc(types, size);
		memcpy(types, data, size);
		types_size = size;
	}
	return __real_bpf_btf_load(data, size, opts);
}

static int keep_warning(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[1024];

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(line, sizeof(line), format, args);
	if (!strstr(line, "error loading BTF") && !strstr(line, "BEGIN PROG LOAD LOG") && !warning[0])
		snprintf(warning, sizeof(warning), "%s", line);
	return 0;
}

static void print_text(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if ((unsigned char)*s < 32)
			printf("\\u%04x", *s);
		else
			putchar(*s);
	}
	putchar('"');
}

static void print_hex(const char *key, const void *data, size_t size)
{
	const unsigned char *p = data;

	printf(",\"%s\":\"", key);
	for (size_t i = 0; p && i < size; i++)
		printf("%02x", p[i]);
	putchar('"');
}

/* The first fields of libbpf 1.5's struct bpf_map: before the load ends, the library itself gives no descriptor out. */
struct map_start {
	struct bpf_object *obj;
	char *name, *real_name;
	int fd;
};

static int map_index(int fd)
{
	struct bpf_map *map;
	int i = 0;

	bpf_object__for_each_map(map, object) {
		if (((struct map_start *)map)->fd == fd)
			return i;
		i++;
	}
	return -1;
}

static void print_maps(void)
{
	struct bpf_map *map;
	const char *comma = "";

	printf(",\"maps\":[");
	bpf_object__for_each_map(map, object) {
		size_t size = 0;
		const void *data = bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS ? NULL : bpf_map__initial_value(map, &size);

		printf("%s{\"name\":\"%s\",\"type\":%d,\"key\":%u,\"value\":%u,\"max\":%u,\"flags\":%u,\"extra\":%llu,\"btf_key\":%u,\"btf_value\":%u",
		       comma, bpf_map__name(map), bpf_map__type(map), bpf_map__key_size(map), bpf_map__value_size(map),
		       bpf_map__max_entries(map), bpf_map__map_flags(map), (unsigned long long)bpf_map__map_extra(map),
		       bpf_map__btf_key_type_id(map), bpf_map__btf_value_type_id(map));
		print_hex("data", data, size);
		printf("}");
		comma = ",";
	}
	printf("]");
}

int __wrap_bpf_prog_load(enum bpf_prog_type type, const char *name, const char *license, const struct bpf_insn *insns, size_t cnt, struct bpf_prog_load_opts *opts)
{
	struct bpf_insn *copy;

	/* Programs that libbpf insists on beside the wanted one (struct_ops): what the verifier says of them is not asked here. */
	if (object && wanted && name && strcmp(name, wanted) && bpf_object__find_program_by_name(object, name))
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (!object || !wanted || !name || strcmp(name, wanted))
		return __real_bpf_prog_load(type, name, license, insns, cnt, opts);
	if (!reported) {
		reported = 1;
		copy = malloc(cnt * sizeof(*copy));
		memcpy(copy, insns, cnt * sizeof(*copy));
		for (size_t i = 0; i < cnt; i++) {
			if (copy[i].code == 0x18 && (copy[i].src_reg == 1 || copy[i].src_reg == 2))
				copy[i].imm = map_index(copy[i].imm);
			if (copy[i].code == 0x18)
				i++;
		}
		printf("{\"object\":\"%s\",\"program\":\"%s\",\"type\":%d,\"expected_attach_type\":%d,\"flags\":%u,\"attach_btf_id\":%u,\"license\":", object_path, name,
		       type, opts->expected_attach_type, opts->prog_flags, opts->attach_btf_id);
		print_text(license ? license : "");
		print_hex("insns", copy, cnt * sizeof(*copy));
		printf(",\"func_info_rec\":%u,\"line_info_rec\":%u", opts->func_info_rec_size, opts->line_info_rec_size);
		print_hex("func_info", opts->func_info, (size_t)opts->func_info_cnt * opts->func_info_rec_size);
		print_hex("line_info", opts->line_info, (size_t)opts->line_info_cnt * opts->line_info_rec_size);
		print_maps();
		if (getenv("LIBBPF_MISSING"))
			print_hex("btf_data", types, types_size);
		printf(",\"btf\":%s}\n", bpf_object__btf_fd(object) >= 0 ? "true" : "false");
		free(copy);
	}
	errno = EACCES;
	return -EACCES;
}

static void print_error(const char *program, const char *stage, int err)
{
	printf("{\"object\":\"%s\",\"program\":", object_path);
	print_text(program);
	printf(",\"stage\":\"%s\",\"err\":%d,\"error\":", stage, err);
	print_text(warning);
	printf("}\n");
}

/* Loads program number `n` alone; returns 0 when there is no such program. */
static int load_one(int n)
{
	struct bpf_program *prog, *chosen = NULL;
	struct bpf_map *map;
	char name[256] = "";
	int i = 0, err;

	warning[0] = 0;
	object = bpf_object__open_file(object_path, NULL);
	if (!object) {
		err = -errno;
		if (n == 0)
			print_error("", "open", err);
		return 0;
	}
	bpf_object__for_each_program(prog, object) {
		bpf_program__set_autoload(prog, i == n);
		if (i++ == n)
			chosen = prog;
	}
	if (chosen) {
		snprintf(name, sizeof(name), "%s", bpf_program__name(chosen));
		bpf_object__for_each_map(map, object) {
			bpf_map__set_pin_path(map, NULL);
			if (getenv("LIBBPF_SIZE") && !bpf_map__max_entries(map) && bpf_map__key_size(map))
				bpf_map__set_max_entries(map, 2);
		}
		wanted = name;
		reported = 0;
		err = bpf_object__load(object);
		if (!reported)
			print_error(name, "load", err);
		wanted = NULL;
	}
	bpf_object__close(object);
	object = NULL;
	return chosen != NULL;
}

int main(int argc, char **argv)
{
	libbpf_set_print(keep_warning);
	for (int a = 1; a < argc; a++) {
		object_path = argv[a];
		for (int n = 0; load_one(n); n++)
			;
		fflush(stdout);
	}
	return 0;
}
