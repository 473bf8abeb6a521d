/* Links BPF objects with libbpf's own linker, for comparison: libbpf-link OUT.o FILE... It loads nothing.
 *   cc -o libbpf-link libbpf-link.c libbpf.a -lelf -lz      (static libbpf 1.5)
 */
#include <stdio.h>
#include <bpf/libbpf.h>

int main(int argc, char **argv)
{
	struct bpf_linker *linker;
	int err = 0;

	if (argc < 3) {
		fprintf(stderr, "usage: libbpf-link OUT.o FILE...\n");
		return 2;
	}
	linker = bpf_linker__new(argv[1], NULL);
	if (!linker)
		return 2;
	for (int i = 2; i < argc && !err; i++)
		err = bpf_linker__add_file(linker, argv[i], NULL);
	if (!err)
		err = bpf_linker__finalize(linker);
	bpf_linker__free(linker);
	return err ? 1 : 0;
}
