// Asks the running kernel about raw programs: reads `map TYPE KEY VALUE ENTRIES`, `prog TYPE FLAGS HEX` (its verdict) and
// `run TYPE REPEAT PACKET HEX` (result and nanoseconds of BPF_PROG_TEST_RUN) lines, answers one line a program.
// It loads, test-runs and creates maps only: it attaches and pins nothing. In HEX a ld_imm64 with src 1 holds the number of a map line as its immediate.
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOG_BYTES = 1 << 20, MAX_MAPS = 16, STATS_ONLY = 4, PACKET_BYTES = 2048 };
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

/* Answers `0 RETVAL NANOSECONDS`, or an errno. */
static void run(const char *line) {
  static char packet_hex[2 * PACKET_BYTES + 1];
  static unsigned char packet[PACKET_BYTES];
  unsigned type, repeat;
  int at = 0;
  if (sscanf(line, "run %u %u %4096s %n", &type, &repeat, packet_hex, &at) != 3 || !at) {
    fprintf(stderr, "ask: bad line: %.80s\n", line);
    exit(2);
  }
  union bpf_attr attr = {0};
  attr.prog_type = type;
  attr.insn_cnt = decode(line + at);
  attr.insns = (unsigned long)insns;
  attr.license = (unsigned long)"GPL";
  long fd = bpf(BPF_PROG_LOAD, &attr);
  if (fd < 0) {
    printf("%d\n", errno);
    fflush(stdout);
    return;
  }
  int size = 0;
  for (const char *hex = packet_hex; hex[0] && hex[1]; hex += 2) sscanf(hex, "%2hhx", &packet[size++]);
  union bpf_attr test = {0};
  test.test.prog_fd = fd;
  test.test.data_in = (unsigned long)packet;
  test.test.data_size_in = size;
  test.test.repeat = repeat;
  int err = bpf(BPF_PROG_TEST_RUN, &test) < 0 ? errno : 0;
  close(fd);
  printf("%d %u %u\n", err, test.test.retval, test.test.duration);
  fflush(stdout);
}

int main(void) {
  char *line = NULL;
  size_t room = 0;
  while (getline(&line, &room, stdin) > 0) {
    if (!strncmp(line, "map ", 4)) make_map(line);
    else if (!strncmp(line, "prog ", 5)) load(line);
    else if (!strncmp(line, "run ", 4)) run(line);
  }
  return 0;
}
