// Names with flavours: `sk_buff___old` stands for `sk_buff`. It looks nothing up.

/** The part of a name before its last `___` flavour (X___Y where neither X nor Y is an underscore), as libbpf's bpf_core_essential_name_len. */
export function essentialName(name: string): string {
  for (let i = name.length - 5; i >= 0; i--) {
    if (name.startsWith("___", i + 1) && name[i] !== "_" && name[i + 4] !== "_") return name.slice(0, i + 1);
  }
  return name;
}
