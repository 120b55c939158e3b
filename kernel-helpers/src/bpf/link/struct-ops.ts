import { AttachError, LoadError } from "../../base/errors.js";
import { isNativeError, native, type LinkHandle, type MapDescription, type ObjectHandle } from "../../base/native.js";

/** What a loader makes of `.struct_ops.link`, which libbpf 1.1 does not know: the section that it knows. */
export function withKnownSections(elf: Buffer): Buffer {
  const [newer, known] = [".struct_ops.link\0", ".struct_ops\0"].map((text) => Buffer.from(text)) as [Buffer, Buffer];
  if (!elf.includes(newer)) return elf;
  const changed = Buffer.from(elf);
  for (let at = changed.indexOf(newer); at >= 0; at = changed.indexOf(newer, at)) known.copy(changed, at);
  return changed;
}

/** @throws LoadError for operations without a program, on which libbpf 1.1 crashes: it forgets to read the kernel's types */
export function requireOperations(object: ObjectHandle, owner: string): void {
  const operations = native.bpf_object__maps(object).find(({ typeName }) => typeName === "struct_ops");
  const isImplemented = native
    .bpf_object__programs(object)
    .some(({ isLoaded, typeName }) => isLoaded && typeName === "struct_ops");
  if (!operations || isImplemented) return;
  throw new LoadError(`The operations ${operations.name} of ${owner} have no program that is loaded with them.`, {
    errno: 22,
    log: "",
    hint: 'At least one of them has to be a program of SEC("struct_ops/…") in the same object.',
  });
}

/** A table of operations that BPF programs implement, such as a congestion control: a map in .struct_ops. */
export class StructOps {
  readonly name: string;
  readonly #object: () => ObjectHandle;
  #link: LinkHandle | undefined;

  constructor(object: () => ObjectHandle, { name }: MapDescription) {
    this.#object = object;
    this.name = name;
  }

  get attached(): boolean {
    return this.#link !== undefined;
  }

  /** Registers it with the kernel. @throws AttachError */
  attach(): void {
    try {
      this.#link ??= native.bpf_map__attach_struct_ops(this.#object(), this.name);
    } catch (error) {
      if (!isNativeError(error)) throw error;
      throw new AttachError(
        this.name,
        "struct_ops",
        error.code === "EEXIST"
          ? `The kernel already has operations with the name that ${this.name} gives.`
          : `The kernel refuses to register the operations ${this.name}: ${error.message}.`,
        {
          errno: error.errno,
          cause: error,
          ...(error.code === "EEXIST" ? { hint: "Give another name in .name; bpftool struct_ops lists them." } : {}),
        },
      );
    }
  }

  /** Takes its link; who calls has to destroy it. */
  release(): LinkHandle[] {
    const link = this.#link;
    this.#link = undefined;
    return link ? [link] : [];
  }

  detach(): void {
    native.bpf_link__destroy(...this.release());
  }
}
