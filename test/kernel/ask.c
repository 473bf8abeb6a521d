// Asks the running kernel for its verdict on raw programs, line by line from standard input; one line of answer for each `prog` and `run`.
// It loads programs and types, creates maps and test-runs only: it attaches and pins nothing.
//
//   map TYPE KEY VALUE ENTRIES [FLAGS EXTRA BTF_KEY BTF_VALUE KERNEL_VALUE [CONTENT]]   creates the next map, m0 and so on; CONTENT is element 0 in hex, which freezes it
//   inner TYPE KEY VALUE ENTRIES     the template of the next map
//   btf HEX                          types of the maps and programs that follow
//   set NAME VALUE                   attach, target, funcs (HEX), lines (HEX), license, level, flags (of run); for the programs that follow
//                                  caps (full, noperfmon, bpf); for the maps and programs that follow
//   new                              forgets maps, types and settings
//   prog TYPE FLAGS HEX              a ld_imm64 with src 1 or 2 holds the number of a map line as its immediate, else a descriptor
//
//   run TYPE REPEAT PACKET HEX       BPF_PROG_TEST_RUN; the answer is errno, result, nanoseconds a run, the packet afterwards in hex
//   test TYPE FLAGS PACKET CONTEXT HEX   the same once, with a context (each `-` for none); the answer is `load ERRNO WORDS` when it is refused, else
//                                    `ran ERRNO RESULT PACKET CONTEXT MAP...` with what came out, and for each array map its first element
//
// The answer to `prog`: errno, instructions processed, last instruction in the log (-1 for none), last line of the log.
#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* NETFILTER: newer than the headers of some systems. */
enum { NETFILTER = 32, LOG_BYTES = 1 << 20, MAX_MAPS = 128, MAX_BYTES = 1 << 20, STATS_ONLY = 4, PACKET_BYTES = 16384 };
static char log_text[LOG_BYTES], license[64];
static unsigned char code[MAX_BYTES], types[MAX_BYTES], funcs[MAX_BYTES], lines[MAX_BYTES], content[MAX_BYTES];
static int maps[MAX_MAPS], map_count, template_fd, types_fd, func_bytes, line_bytes;
static unsigned attach, target, level, run_flags;
static char caps[16];

static long bpf(int cmd, union bpf_attr *attr) { return syscall(__NR_bpf, cmd, attr, sizeof *attr); }

static int from_hex(const char *hex, unsigned char *out) {
  int n = 0;
  for (; hex[0] && hex[1] && hex[0] != '\n' && n < MAX_BYTES; hex += 2) sscanf(hex, "%2hhx", &out[n++]);
  return n;
}

static void fail(const char *what, const char *line) {
  fprintf(stderr, "ask: %s: %s: %.80s\n", what, strerror(errno), line);
  exit(errno == EPERM ? 77 : 2);
}

static void begin(void) {
  for (int i = 0; i < map_count; i++) close(maps[i]);
  if (template_fd > 0) close(template_fd);
  if (types_fd > 0) close(types_fd);
  map_count = template_fd = types_fd = func_bytes = line_bytes = 0;
  attach = target = run_flags = 0;
  level = STATS_ONLY;
  strcpy(license, "GPL");
  strcpy(caps, "full");
}

static void load_types(const char *line) {
  union bpf_attr attr = {0};
  attr.btf = (unsigned long)types;
  attr.btf_size = from_hex(line + strlen("btf "), types);
  attr.btf_log_buf = (unsigned long)log_text;
  attr.btf_log_size = LOG_BYTES;
  attr.btf_log_level = 1;
  types_fd = bpf(BPF_BTF_LOAD, &attr);
  if (types_fd < 0) fail(log_text, "btf");
}

/* Leaves the effective capabilities that the setting names; "full" gives all back. */
static void take_caps(const char *which) {
  struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &head, data)) fail("capget", which);
  for (int i = 0; i < 2; i++) data[i].effective = data[i].permitted;
  if (!strcmp(which, "noperfmon")) {
    data[0].effective &= ~(1u << CAP_SYS_ADMIN);
    data[1].effective &= ~(1u << (CAP_PERFMON - 32));
  } else if (!strcmp(which, "bpf")) {
    data[0].effective = 0;
    data[1].effective = 1u << (CAP_BPF - 32);
  }
  if (syscall(SYS_capset, &head, data)) fail("capset", which);
}

static int make_map(const char *line) {
  union bpf_attr attr = {0};
  unsigned long long extra = 0;
  unsigned key = 0, value = 0;
  int at = 0;
  int n = sscanf(line, "%*s %u %u %u %u %n%u %llu %u %u %u %n", &attr.map_type, &attr.key_size, &attr.value_size, &attr.max_entries, &at,
                 &attr.map_flags, &extra, &key, &value, &attr.btf_vmlinux_value_type_id, &at);
  if (n != 4 && n != 9) fail("bad line", line);
  attr.map_extra = extra;
  attr.inner_map_fd = template_fd;
  snprintf(attr.map_name, sizeof attr.map_name, "m%d", map_count);
  if (attr.btf_vmlinux_value_type_id && types_fd > 0) attr.btf_fd = types_fd;
  if (value && types_fd > 0) {
    attr.btf_fd = types_fd;
    attr.btf_key_type_id = key;
    attr.btf_value_type_id = value;
  }
  if (strcmp(caps, "full")) take_caps(caps);
  int fd = bpf(BPF_MAP_CREATE, &attr);
  if (strcmp(caps, "full")) take_caps("full");
  if (fd < 0) fail("no map", line);
  if (!line[at] || line[at] == '\n') return fd;
  unsigned zero = 0;
  from_hex(line + at, content);
  union bpf_attr fill = {.map_fd = fd, .key = (unsigned long)&zero, .value = (unsigned long)content};
  if (bpf(BPF_MAP_UPDATE_ELEM, &fill)) fail("no content", line);
  union bpf_attr freeze = {.map_fd = fd};
  if (bpf(BPF_MAP_FREEZE, &freeze)) fail("not frozen", line);
  return fd;
}

static void set(const char *line) {
  char name[16];
  int at = 0;
  if (sscanf(line, "set %15s %n", name, &at) != 1 || !at) fail("bad line", line);
  const char *value = line + at;
  if (!strcmp(name, "attach")) attach = strtoul(value, NULL, 0);
  else if (!strcmp(name, "target")) target = strtoul(value, NULL, 0);
  else if (!strcmp(name, "flags")) run_flags = strtoul(value, NULL, 0);
  else if (!strcmp(name, "level")) level = strtoul(value, NULL, 0);
  else if (!strcmp(name, "funcs")) func_bytes = from_hex(value, funcs);
  else if (!strcmp(name, "lines")) line_bytes = from_hex(value, lines);
  else if (!strcmp(name, "license")) sscanf(value, "%63[^\n]", license);
  else if (!strcmp(name, "caps")) sscanf(value, "%15s", caps);
  else fail("no such setting", line);
}

static int decode(const char *hex) {
  struct bpf_insn *insns = (struct bpf_insn *)code;
  int n = from_hex(hex, code) / 8;
  for (int i = 0; i < n; i++) {
    int names_map = insns[i].src_reg == BPF_PSEUDO_MAP_FD || insns[i].src_reg == BPF_PSEUDO_MAP_VALUE;
    if (insns[i].code != (BPF_LD | BPF_IMM | BPF_DW)) continue;
    if (names_map && insns[i].imm >= 0 && insns[i].imm < map_count) insns[i].imm = maps[insns[i].imm];
    i++;
  }
  return n;
}

/* The last line of the log that is no statistic, without one that follows on the same line; notes the last instruction that the log shows. */
static const char *last_error(int *insn) {
  static const char *const stats[] = {"processed ", "verification time ", "stack depth ", "mark_read ", NULL};
  char *best = "";
  int at;
  char open;
  for (char *line = strtok(log_text, "\n"); line; line = strtok(NULL, "\n")) {
    int skip = 0;
    for (int i = 0; stats[i]; i++) skip |= !strncmp(line, stats[i], strlen(stats[i]));
    if (!skip) best = line;
    char *tail = strstr(line, "processed ");
    if (!skip && tail && strstr(tail, " insns (limit ")) *tail = 0;
    if (sscanf(line, "%d: %c", &at, &open) == 2 && (open == '(' || !strncmp(strchr(line, ' '), " BUG_", 5))) *insn = at;
  }
  return best;
}

/* The program in hex and all settings that are not about the log. */
static void describe(union bpf_attr *attr, unsigned type, unsigned flags, const char *hex) {
  attr->prog_type = type;
  attr->insn_cnt = decode(hex);
  attr->insns = (unsigned long)code;
  attr->license = (unsigned long)license;
  attr->prog_flags = flags;
  attr->expected_attach_type = attach;
  attr->attach_btf_id = target;
  if (types_fd > 0) attr->prog_btf_fd = types_fd;
  attr->func_info_rec_size = func_bytes ? 8 : 0;
  attr->func_info = func_bytes ? (unsigned long)funcs : 0;
  attr->func_info_cnt = func_bytes / 8;
  attr->line_info_rec_size = line_bytes ? 16 : 0;
  attr->line_info = line_bytes ? (unsigned long)lines : 0;
  attr->line_info_cnt = line_bytes / 16;
}

static void with_log(union bpf_attr *attr) {
  attr->log_level = level;
  attr->log_size = LOG_BYTES;
  attr->log_buf = (unsigned long)log_text;
}

static void load(const char *line) {
  unsigned type, flags;
  int at = 0;
  if (sscanf(line, "prog %u %u %n", &type, &flags, &at) != 2 || !at) fail("bad line", line);
  union bpf_attr attr = {0};
  describe(&attr, type, flags, line + at);
  with_log(&attr);
  log_text[0] = 0;
  if (strcmp(caps, "full")) take_caps(caps);
  long fd = bpf(BPF_PROG_LOAD, &attr);
  int err = fd < 0 ? errno : 0, insn = -1;
  if (err == ENOSPC) { /* The log is longer than its buffer, which hides the verdict. */
    attr.log_level = STATS_ONLY;
    attr.log_buf = (unsigned long)content;
    fd = bpf(BPF_PROG_LOAD, &attr);
    err = fd < 0 ? errno : 0;
  }
  if (strcmp(caps, "full")) take_caps("full");
  if (fd >= 0) close(fd);
  unsigned processed = 0;
  const char *count = strstr(log_text, "processed ");
  if (count) sscanf(count, "processed %u", &processed);
  const char *words = last_error(&insn);
  printf("%d %u %d %s\n", err, processed, insn, err ? words : "");
  fflush(stdout);
}

/* Answers `0 RETVAL NANOSECONDS PACKET`, or an errno. */
static void run(const char *line) {
  static char packet_hex[2 * PACKET_BYTES + 1];
  static unsigned char packet[PACKET_BYTES], after[2 * PACKET_BYTES];
  unsigned type, repeat;
  int at = 0;
  if (sscanf(line, "run %u %u %32768s %n", &type, &repeat, packet_hex, &at) != 3 || !at) fail("bad line", line);
  union bpf_attr attr = {0};
  describe(&attr, type, run_flags, line + at);
  long fd = bpf(BPF_PROG_LOAD, &attr);
  if (fd < 0) {
    printf("%d\n", errno);
    fflush(stdout);
    return;
  }
  int size = from_hex(packet_hex, packet);
  union bpf_attr test = {0};
  test.test.prog_fd = fd;
  test.test.data_in = (unsigned long)packet;
  test.test.data_size_in = size;
  test.test.repeat = repeat;
  test.test.data_out = (unsigned long)after;
  test.test.data_size_out = sizeof after;
  int err = bpf(BPF_PROG_TEST_RUN, &test) < 0 ? errno : 0;
  close(fd);
  printf("%d %u %u ", err, test.test.retval, test.test.duration);
  for (unsigned i = 0; i < test.test.data_size_out && i < sizeof after; i++) printf("%02x", after[i]);
  printf("\n");
  fflush(stdout);
}

static void show(const unsigned char *bytes, int n) {
  putchar(' ');
  if (n <= 0) putchar('-');
  for (int i = 0; i < n; i++) printf("%02x", bytes[i]);
}

/* The first element of a map that is an array, or `-`. */
static void show_map(int fd) {
  struct bpf_map_info info = {0};
  union bpf_attr ask = {.info = {.bpf_fd = fd, .info_len = sizeof info, .info = (unsigned long)&info}};
  unsigned zero = 0;
  union bpf_attr look = {.map_fd = fd, .key = (unsigned long)&zero, .value = (unsigned long)content};
  int plain = !bpf(BPF_OBJ_GET_INFO_BY_FD, &ask) && info.type == BPF_MAP_TYPE_ARRAY && info.value_size <= MAX_BYTES;
  show(content, plain && !bpf(BPF_MAP_LOOKUP_ELEM, &look) ? info.value_size : 0);
}

static void test(const char *line) {
  static char packet_hex[2 * PACKET_BYTES + 1], context_hex[2 * PACKET_BYTES + 1];
  static unsigned char packet[PACKET_BYTES], context[PACKET_BYTES], packet_out[2 * PACKET_BYTES], context_out[PACKET_BYTES];
  unsigned type, flags;
  int at = 0, insn = -1;
  if (sscanf(line, "test %u %u %32768s %32768s %n", &type, &flags, packet_hex, context_hex, &at) != 4 || !at) fail("bad line", line);
  union bpf_attr attr = {0};
  level = 1;
  describe(&attr, type, flags, line + at);
  with_log(&attr);
  log_text[0] = 0;
  long fd = bpf(BPF_PROG_LOAD, &attr);
  if (fd < 0) {
    int err = errno;
    printf("load %d %s\n", err, last_error(&insn));
    fflush(stdout);
    return;
  }
  union bpf_attr run = {0};
  run.test.prog_fd = fd;
  if (packet_hex[0] != '-') {
    run.test.data_size_in = from_hex(packet_hex, packet);
    run.test.data_in = (unsigned long)packet;
    run.test.data_out = (unsigned long)packet_out;
    run.test.data_size_out = sizeof packet_out;
  }
  if (context_hex[0] != '-') {
    run.test.ctx_size_in = from_hex(context_hex, context);
    run.test.ctx_in = (unsigned long)context;
    run.test.ctx_out = (unsigned long)context_out;
    run.test.ctx_size_out = sizeof context_out;
    /* These leave what comes out where it came in, or give nothing. */
    if (type == BPF_PROG_TYPE_RAW_TRACEPOINT || type == BPF_PROG_TYPE_SYSCALL || type == NETFILTER) run.test.ctx_out = run.test.ctx_size_out = 0;
  }
  int err = bpf(BPF_PROG_TEST_RUN, &run) < 0 ? errno : 0;
  close(fd);
  printf("ran %d %u", err, err ? 0 : run.test.retval);
  show(packet_out, err || packet_hex[0] == '-' ? 0 : (int)run.test.data_size_out);
  int in_place = type == BPF_PROG_TYPE_SYSCALL;
  show(in_place ? context : context_out, err || context_hex[0] == '-' ? 0 : (int)(in_place ? run.test.ctx_size_in : run.test.ctx_size_out));
  for (int i = 0; i < map_count; i++) show_map(maps[i]);
  putchar('\n');
  fflush(stdout);
}

int main(void) {
  char *line = NULL;
  size_t room = 0;
  begin();
  while (getline(&line, &room, stdin) > 0) {
    if (!strncmp(line, "prog ", 5)) load(line);
    else if (!strncmp(line, "run ", 4)) run(line);
    else if (!strncmp(line, "test ", 5)) test(line);
    else if (!strncmp(line, "set ", 4)) set(line);
    else if (!strncmp(line, "btf ", 4)) load_types(line);
    else if (!strncmp(line, "inner ", 6)) template_fd = make_map(line);
    else if (!strncmp(line, "new", 3)) begin();
    else if (strncmp(line, "map ", 4) || map_count == MAX_MAPS) fail("bad line", line);
    else {
      maps[map_count] = make_map(line);
      map_count++;
      if (template_fd > 0) close(template_fd);
      template_fd = 0;
    }
  }
  return 0;
}
