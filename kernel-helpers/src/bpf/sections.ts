/** `.bss` of `ringbuf.bss`; libbpf puts a prefix of the object's name before it. */
export function sectionName(map: string): string {
  return map.slice(map.indexOf("."));
}

/** True for data sections that a running program may change and user space may tune: `.data`, `.bss` and their kin. */
export function isGlobalSection(map: string): boolean {
  return /^[^.]*\.(data|bss)(\..+)?$/.test(map);
}
