/** What BTF says of one object, as TypeScript types; `generated/programs.ts` has those of the shipped programs. */
export interface ProgramTypes {
  /** Key and value of each map. */
  maps: Record<string, { key: unknown; value: unknown }>;
  /** Variables in `.data` and `.bss`. */
  globals: Record<string, unknown>;
  /** `const volatile` variables, fixed at load. */
  constants: Record<string, unknown>;
  /** The programs' names. */
  programs: string;
  /** The columns of each ring buffer's record. */
  events: Record<string, object>;
}

/** For objects that are not known when the TypeScript is compiled. */
export interface UnknownTypes extends ProgramTypes {
  // any on purpose: nothing is known here, and unknown would make each use a cast
  maps: Record<string, { key: any; value: any }>;
  globals: Record<string, any>;
  constants: Record<string, any>;
  programs: string;
  events: Record<string, Record<string, any>>;
}
