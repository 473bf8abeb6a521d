// Does operations of bpf(2) on maps of the running kernel: reads one a line, answers errno and what came out. It creates maps and loads nothing.
//   map TYPE KEY_SIZE VALUE_SIZE MAX_ENTRIES FLAGS EXTRA INNER   a new current map (INNER: number of the map that is the template, or -1)
//   up KEY VALUE FLAGS | lk KEY FLAGS | ld KEY FLAGS | dl KEY | nx KEY | fz
//   lb COUNT FLAGS FROM | xb COUNT FLAGS FROM     look-up batch, look-up and delete batch: errno, count, next position, keys, values
//   ub COUNT FLAGS KEYS VALUES | db COUNT FLAGS KEYS   update and delete batch: errno, count
//   fd KIND                                       a new object: listen, tcp, udp (sockets), task, cgroup, file
// KEY and VALUE are hex digits or `-`; `@N` is the descriptor of map N, `sN` of object N. What a lookup in a map of maps gives is answered as `@N`.
// A map of local storage has types: a 32-bit number for key and value.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* CGRP_STORAGE: newer than the headers of some systems. */
enum { MAX_MAPS = 64, BYTES = 1 << 16, CGRP_STORAGE = 32 };
static int fds[MAX_MAPS];
static unsigned ids[MAX_MAPS], value_sizes[MAX_MAPS], key_sizes[MAX_MAPS], types[MAX_MAPS];
static int count;
static int objects[MAX_MAPS], object_count, types_fd;
static unsigned char key[BYTES], value[BYTES];
static char key_hex[2 * BYTES + 2], value_hex[2 * BYTES + 2];

static int bpf(int cmd, union bpf_attr *attr) { return syscall(__NR_bpf, cmd, attr, sizeof *attr) < 0 ? errno : 0; }

/* Types that hold one: `int`. */
static int int_types(void) {
  struct {
    struct btf_header head;
    struct btf_type type;
    unsigned encoding;
    char names[5];
  } blob = {.head = {.magic = BTF_MAGIC, .version = 1, .hdr_len = sizeof(struct btf_header), .type_len = 16, .str_off = 16, .str_len = 5},
            .type = {.name_off = 1, .info = BTF_KIND_INT << 24, .size = 4},
            .encoding = BTF_INT_SIGNED << 24 | 32,
            .names = "\0int"};
  union bpf_attr attr = {.btf = (unsigned long)&blob, .btf_size = sizeof(struct btf_header) + 16 + 5};
  return syscall(__NR_bpf, BPF_BTF_LOAD, &attr, sizeof attr);
}

static int is_storage(unsigned type) {
  return type == BPF_MAP_TYPE_SK_STORAGE || type == BPF_MAP_TYPE_INODE_STORAGE || type == BPF_MAP_TYPE_TASK_STORAGE || type == CGRP_STORAGE;
}

/* Opens an object; nothing is connected and nothing comes in. */
static int open_object(const char *kind) {
  if (!strncmp(kind, "task", 4)) return syscall(__NR_pidfd_open, getpid(), 0);
  if (!strncmp(kind, "cgroup", 6)) return open("/sys/fs/cgroup", O_RDONLY);
  if (!strncmp(kind, "file", 4)) return open("/dev/null", O_RDONLY);
  int fd = socket(AF_INET, strncmp(kind, "udp", 3) ? SOCK_STREAM : SOCK_DGRAM, 0);
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (!strncmp(kind, "listen", 6) && (bind(fd, (struct sockaddr *)&any, sizeof any) || listen(fd, 1))) return -1;
  return fd;
}

static void make(const char *line) {
  union bpf_attr attr = {0};
  unsigned long long extra = 0;
  int inner = -1;
  sscanf(line, "map %u %u %u %u %u %llu %d", &attr.map_type, &attr.key_size, &attr.value_size, &attr.max_entries, &attr.map_flags, &extra, &inner);
  attr.map_extra = extra;
  if (inner >= 0) attr.inner_map_fd = fds[inner];
  if (is_storage(attr.map_type)) {
    if (!types_fd) types_fd = int_types();
    attr.btf_fd = types_fd;
    attr.btf_key_type_id = attr.btf_value_type_id = 1;
  }
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
  if (hex[0] == 's') {
    *(int *)out = objects[atoi(hex + 1)];
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

static void batch(const char *op, char *words, unsigned value_size) {
  static unsigned char next[BYTES], from[BYTES];
  static char first[2 * BYTES + 2];
  unsigned n = 0, flags = 0, key_size = key_sizes[count - 1];
  first[0] = value_hex[0] = '-';
  sscanf(words, "%u %u %131072s %131072s", &n, &flags, first, value_hex);
  union bpf_attr attr = {0};
  attr.batch.map_fd = fds[count - 1];
  attr.batch.count = n;
  attr.batch.elem_flags = flags;
  attr.batch.keys = (unsigned long)key;
  attr.batch.values = (unsigned long)value;
  int err;
  if (op[0] == 'u' || op[0] == 'd') {
    parse(first, key);
    parse(value_hex, value);
    if (op[0] == 'd') attr.batch.values = 0;
    err = bpf(op[0] == 'u' ? BPF_MAP_UPDATE_BATCH : BPF_MAP_DELETE_BATCH, &attr);
    printf("%d %u", err, attr.batch.count);
    return;
  }
  attr.batch.in_batch = (unsigned long)parse(first, from);
  attr.batch.out_batch = (unsigned long)next;
  memset(next, 0, sizeof next);
  err = bpf(op[0] == 'l' ? BPF_MAP_LOOKUP_BATCH : BPF_MAP_LOOKUP_AND_DELETE_BATCH, &attr);
  printf("%d %u", err, attr.batch.count);
  if (err && err != ENOENT) return;
  show(next, attr.batch.count ? key_size : 0, 0);
  for (unsigned i = 0; i < attr.batch.count; i++) {
    show(key + i * key_size, key_size, 0);
    show(value + i * value_size, value_size, 1);
  }
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
    if (!strncmp(line, "fd ", 3)) {
      int fd = open_object(line + 3);
      printf("%d\n", fd < 0 ? errno : 0);
      if (object_count < MAX_MAPS) objects[object_count++] = fd;
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
    int percpu = type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
                 type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
    unsigned size = percpu ? (value_sizes[count - 1] + 7) / 8 * 8 * cpus : value_sizes[count - 1];
    int err = EINVAL;
    if (op[1] == 'b') {
      batch(op, line + 3, size);
      putchar('\n');
      fflush(stdout);
      continue;
    }
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
