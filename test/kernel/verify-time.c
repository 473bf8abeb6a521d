// Asks the running kernel how long it verifies programs of an object: one line `PROGRAM MICROSECONDS` for each, the best of ROUNDS, or `PROGRAM -` when
// it does not load here. It loads programs and creates maps only: it attaches nothing, and a map that asks to be pinned is not.
//   verify-time OBJECT ROUNDS PROGRAM[=FLAGS]...        needs root; built against the system's libbpf
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOG_BYTES = 1 << 16, STATS_ONLY = 4 };
static char log_text[LOG_BYTES];

static int silent(enum libbpf_print_level level, const char *format, va_list args) { return 0; }

/* Microseconds of one load of the program, -1 when it does not load. */
static long load_once(const char *path, const char *name, unsigned flags) {
  struct bpf_object *object = bpf_object__open_file(path, NULL);
  if (!object) return -1;
  struct bpf_program *program;
  bpf_object__for_each_program(program, object) {
    int wanted = strcmp(bpf_program__name(program), name) == 0;
    bpf_program__set_autoload(program, wanted);
    if (wanted && flags) bpf_program__set_flags(program, flags);
    bpf_program__set_log_buf(program, log_text, LOG_BYTES);
    bpf_program__set_log_level(program, STATS_ONLY);
  }
  struct bpf_map *map;
  bpf_object__for_each_map(map, object) {
    bpf_map__set_pin_path(map, NULL);
    /* what the tools set before they load: a size */
    if (bpf_map__max_entries(map) == 0) bpf_map__set_max_entries(map, 1);
  }
  log_text[0] = 0;
  long time = -1;
  if (bpf_object__load(object) == 0) {
    const char *at = strstr(log_text, "verification time ");
    if (at) time = strtol(at + strlen("verification time "), NULL, 10);
  }
  bpf_object__close(object);
  return time;
}

int main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: verify-time OBJECT ROUNDS PROGRAM[=FLAGS]...\n");
    return 2;
  }
  libbpf_set_print(silent);
  int rounds = atoi(argv[2]);
  for (int i = 3; i < argc; i++) {
    char *equals = strchr(argv[i], '=');
    unsigned flags = equals ? strtoul(equals + 1, NULL, 0) : 0;
    if (equals) *equals = 0;
    long best = -1;
    for (int r = 0; r < rounds; r++) {
      long time = load_once(argv[1], argv[i], flags);
      if (time < 0) break;
      if (best < 0 || time < best) best = time;
    }
    if (best < 0) printf("%s -\n", argv[i]);
    else printf("%s %ld\n", argv[i], best);
  }
}
