// Asks the running kernel for its verdict on raw programs: reads `map TYPE KEY VALUE ENTRIES` and `prog TYPE FLAGS HEX` lines, answers one line a program.
// It loads and creates maps only: it attaches, pins and runs nothing. In HEX a ld_imm64 with src 1 holds the number of a map line as its immediate.
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOG_BYTES = 1 << 20, MAX_MAPS = 16, STATS_ONLY = 4 };
static char log_text[LOG_BYTES];
static struct bpf_insn insns[8192];
static int maps[MAX_MAPS], map_count;

static long bpf(int cmd, union bpf_attr *attr) { return syscall(__NR_bpf, cmd, attr, sizeof *attr); }

static void make_map(const char *line) {
  union bpf_attr attr = {0};
  if (sscanf(line, "map %u %u %u %u", &attr.map_type, &attr.key_size, &attr.value_size, &attr.max_entries) != 4 || map_count == MAX_MAPS) {
    fprintf(stderr, "ask: bad map line: %s", line);
    exit(2);
  }
  maps[map_count] = bpf(BPF_MAP_CREATE, &attr);
  if (maps[map_count++] < 0) {
    fprintf(stderr, "ask: no map: %s\n", strerror(errno));
    exit(errno == EPERM ? 77 : 2);
  }
}

static int decode(const char *hex) {
  unsigned char *out = (unsigned char *)insns;
  int n = 0;
  for (; hex[0] && hex[1] && hex[0] != '\n' && n < (int)sizeof insns; hex += 2) sscanf(hex, "%2hhx", &out[n++]);
  for (int i = 0; i < n / 8; i++)
    if (insns[i].code == (BPF_LD | BPF_IMM | BPF_DW) && insns[i].src_reg == BPF_PSEUDO_MAP_FD) insns[i].imm = maps[insns[i].imm % MAX_MAPS];
  return n / 8;
}

/* The last line of the log that is no statistic. */
static const char *last_error(void) {
  static const char *const stats[] = {"processed ", "verification time ", "stack depth ", "mark_read ", NULL};
  char *best = "";
  for (char *line = strtok(log_text, "\n"); line; line = strtok(NULL, "\n")) {
    int skip = 0;
    for (int i = 0; stats[i]; i++) skip |= !strncmp(line, stats[i], strlen(stats[i]));
    if (!skip) best = line;
  }
  return best;
}

static void load(const char *line) {
  unsigned type, flags;
  int at = 0;
  if (sscanf(line, "prog %u %u %n", &type, &flags, &at) != 2 || !at) {
    fprintf(stderr, "ask: bad line: %.80s\n", line);
    exit(2);
  }
  union bpf_attr attr = {0};
  attr.prog_type = type;
  attr.insn_cnt = decode(line + at);
  attr.insns = (unsigned long)insns;
  attr.license = (unsigned long)"GPL";
  attr.prog_flags = flags;
  attr.log_level = STATS_ONLY;
  attr.log_size = LOG_BYTES;
  attr.log_buf = (unsigned long)log_text;
  log_text[0] = 0;
  long fd = bpf(BPF_PROG_LOAD, &attr);
  int err = fd < 0 ? errno : 0;
  if (fd >= 0) close(fd);
  unsigned processed = 0;
  const char *count = strstr(log_text, "processed ");
  if (count) sscanf(count, "processed %u", &processed);
  printf("%d %u %s\n", err, processed, err ? last_error() : "");
  fflush(stdout);
}

int main(void) {
  char *line = NULL;
  size_t room = 0;
  while (getline(&line, &room, stdin) > 0) {
    if (!strncmp(line, "map ", 4)) make_map(line);
    else if (!strncmp(line, "prog ", 5)) load(line);
  }
  return 0;
}
