/* Prints, for each section name of standard input, the program type and attach type that libbpf gives it, or -1 -1.
 *   cc -o libbpf-sections libbpf-sections.c libbpf.a -lelf -lz      (static libbpf 1.5)
 */
#include <stdio.h>
#include <string.h>
#include <bpf/libbpf.h>

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

int main(void)
{
	char name[256];

	libbpf_set_print(quiet);
	while (fgets(name, sizeof(name), stdin)) {
		enum bpf_prog_type type;
		enum bpf_attach_type attach;

		name[strcspn(name, "\n")] = 0;
		if (libbpf_prog_type_by_name(name, &type, &attach))
			printf("%s -1 -1\n", name);
		else
			printf("%s %d %d\n", name, type, attach);
	}
	return 0;
}
