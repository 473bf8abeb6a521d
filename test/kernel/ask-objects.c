// Asks the running kernel about BTF blobs and maps: `btf HEX` and `map TYPE KEY VALUE ENTRIES FLAGS EXTRA INNER` lines on standard input, one answer a line:
// `ERRNO LAST LINE OF LOG`. INNER is 0, or 1 for an inner array of one 4-byte value. Everything is closed again at once; nothing is loaded, attached or pinned.
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOG_BYTES = 1 << 24 };
static char log_text[LOG_BYTES];
static char line[1 << 25];
static unsigned char blob[1 << 24];

static long bpf(int cmd, union bpf_attr *attr) { return syscall(__NR_bpf, cmd, attr, sizeof *attr); }

static int nibble(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

static void ask_btf(const char *hex) {
  union bpf_attr attr = {0};
  unsigned size = 0;
  for (; hex[0] && hex[0] != '\n' && size < sizeof blob; hex += 2) blob[size++] = nibble(hex[0]) << 4 | nibble(hex[1]);
  attr.btf = (unsigned long)blob;
  attr.btf_size = size;
  attr.btf_log_level = 1;
  attr.btf_log_buf = (unsigned long)log_text;
  attr.btf_log_size = LOG_BYTES;
  log_text[0] = 0;
  int fd = bpf(BPF_BTF_LOAD, &attr);
  int err = fd < 0 ? errno : 0;
  if (fd >= 0) close(fd);
  size_t end = strlen(log_text);
  while (end && log_text[end - 1] == '\n') log_text[--end] = 0;
  char *last = strrchr(log_text, '\n');
  printf("%d %s\n", err, err ? (last ? last + 1 : log_text) : "");
}

static void ask_map(const char *text) {
  union bpf_attr attr = {0}, in = {0};
  unsigned long long extra;
  unsigned inner;
  if (sscanf(text, "map %u %u %u %u %u %llu %u", &attr.map_type, &attr.key_size, &attr.value_size, &attr.max_entries, &attr.map_flags, &extra, &inner) != 7) {
    fprintf(stderr, "ask-objects: bad line: %s", text);
    exit(2);
  }
  attr.map_extra = extra;
  in.map_type = BPF_MAP_TYPE_ARRAY;
  in.key_size = in.value_size = 4;
  in.max_entries = 1;
  int inner_fd = inner ? bpf(BPF_MAP_CREATE, &in) : -1;
  if (inner) attr.inner_map_fd = inner_fd;
  int fd = bpf(BPF_MAP_CREATE, &attr);
  int err = fd < 0 ? errno : 0;
  if (fd >= 0) close(fd);
  if (inner_fd >= 0) close(inner_fd);
  printf("%d \n", err);
}

int main(void) {
  while (fgets(line, sizeof line, stdin)) {
    if (!strncmp(line, "btf ", 4)) ask_btf(line + 4);
    else ask_map(line);
    fflush(stdout);
  }
  return 0;
}
