// Does operations of bpf(2) on maps of the running kernel: reads one a line, answers errno and what came out. It creates maps and loads nothing.
//   map TYPE KEY_SIZE VALUE_SIZE MAX_ENTRIES FLAGS EXTRA INNER   a new current map (INNER: number of the map that is the template, or -1)
//   up KEY VALUE FLAGS | lk KEY FLAGS | ld KEY FLAGS | dl KEY | nx KEY | fz
// KEY and VALUE are hex digits or `-`; a VALUE `@N` is the descriptor of map N. What a lookup in a map of maps gives is answered as `@N`.
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_MAPS = 64, BYTES = 1 << 16 };
static int fds[MAX_MAPS];
static unsigned ids[MAX_MAPS], value_sizes[MAX_MAPS], key_sizes[MAX_MAPS], types[MAX_MAPS];
static int count;
static unsigned char key[BYTES], value[BYTES];
static char key_hex[2 * BYTES + 2], value_hex[2 * BYTES + 2];

static int bpf(int cmd, union bpf_attr *attr) { return syscall(__NR_bpf, cmd, attr, sizeof *attr) < 0 ? errno : 0; }

static void make(const char *line) {
  union bpf_attr attr = {0};
  unsigned long long extra = 0;
  int inner = -1;
  sscanf(line, "map %u %u %u %u %u %llu %d", &attr.map_type, &attr.key_size, &attr.value_size, &attr.max_entries, &attr.map_flags, &extra, &inner);
  attr.map_extra = extra;
  if (inner >= 0) attr.inner_map_fd = fds[inner];
  long fd = syscall(__NR_bpf, BPF_MAP_CREATE, &attr, sizeof attr);
  printf("%d\n", fd < 0 ? errno : 0);
  if (fd < 0 || count == MAX_MAPS) return;
  struct bpf_map_info info = {0};
  union bpf_attr ask = {0};
  ask.info.bpf_fd = fd;
  ask.info.info_len = sizeof info;
  ask.info.info = (unsigned long)&info;
  bpf(BPF_OBJ_GET_INFO_BY_FD, &ask);
  fds[count] = fd;
  ids[count] = info.id;
  types[count] = attr.map_type;
  key_sizes[count] = attr.key_size;
  value_sizes[count++] = attr.value_size;
}

static unsigned char *parse(const char *hex, unsigned char *out) {
  if (hex[0] == '-') return NULL;
  if (hex[0] == '@') {
    *(int *)out = fds[atoi(hex + 1)];
    return out;
  }
  unsigned char *to = out;
  for (; hex[0] && hex[1]; hex += 2) sscanf(hex, "%2hhx", to++);
  return out;
}

static void show(const unsigned char *bytes, unsigned size, int is_value) {
  unsigned type = types[count - 1];
  if (is_value && (type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS)) {
    for (int i = 0; i < count; i++)
      if (ids[i] == *(const unsigned *)bytes) printf(" @%d", i);
    return;
  }
  putchar(' ');
  for (unsigned i = 0; i < size; i++) printf("%02x", bytes[i]);
}

int main(int argc, char **argv) {
  unsigned cpus = argc > 1 ? atoi(argv[1]) : 1;
  char *line = NULL, op[8];
  size_t room = 0;
  while (getline(&line, &room, stdin) > 0) {
    if (!strncmp(line, "map ", 4)) {
      make(line);
      fflush(stdout);
      continue;
    }
    unsigned long long flags = 0;
    key_hex[0] = value_hex[0] = '-';
    int n = sscanf(line, "%7s %131072s %131072s %llu", op, key_hex, value_hex, &flags);
    if (n == 3) flags = strtoull(value_hex, NULL, 0);
    union bpf_attr attr = {0};
    attr.map_fd = fds[count - 1];
    attr.key = (unsigned long)parse(key_hex, key);
    attr.flags = flags;
    attr.value = (unsigned long)value;
    unsigned type = types[count - 1];
    int percpu = type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
    unsigned size = percpu ? (value_sizes[count - 1] + 7) / 8 * 8 * cpus : value_sizes[count - 1];
    int err = EINVAL;
    if (!strcmp(op, "up")) {
      parse(value_hex, value);
      err = bpf(BPF_MAP_UPDATE_ELEM, &attr);
    } else if (!strcmp(op, "dl")) {
      attr.flags = 0;
      attr.value = 0;
      err = bpf(BPF_MAP_DELETE_ELEM, &attr);
    } else if (!strcmp(op, "fz")) {
      union bpf_attr freeze = {0};
      freeze.map_fd = attr.map_fd;
      err = bpf(BPF_MAP_FREEZE, &freeze);
    } else if (!strcmp(op, "nx")) {
      attr.flags = 0;
      err = bpf(BPF_MAP_GET_NEXT_KEY, &attr);
    } else {
      if (type == BPF_MAP_TYPE_BLOOM_FILTER) parse(value_hex, value);
      err = bpf(!strcmp(op, "lk") ? BPF_MAP_LOOKUP_ELEM : BPF_MAP_LOOKUP_AND_DELETE_ELEM, &attr);
    }
    printf("%d", err);
    if (!err && !strcmp(op, "nx")) show(value, key_sizes[count - 1], 0);
    else if (!err && (!strcmp(op, "lk") || !strcmp(op, "ld"))) show(value, size, 1);
    putchar('\n');
    fflush(stdout);
  }
  return 0;
}
