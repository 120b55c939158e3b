/** What a look at the machine found. */
export interface Finding {
  ok: boolean;
  /** What is there, or what is not. */
  found: string;
  /** How to get it. */
  fix?: string;
}

/** One thing to look at. */
export interface Check {
  name: string;
  /** False for what only a part of bpflab needs. */
  needed: boolean;
  look(): Finding | Promise<Finding>;
}

export const there = (found: string): Finding => ({ ok: true, found });
export const missing = (found: string, fix: string): Finding => ({ ok: false, found, fix });
