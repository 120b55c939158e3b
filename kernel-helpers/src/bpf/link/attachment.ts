import { native, type LinkHandle, type ObjectHandle, type ProgramDescription } from "../../base/native.js";

/** A loaded program that is to be attached. */
export interface Attachable extends ProgramDescription {
  object: ObjectHandle;
}

/** What keeps a program on its hook. */
export interface Attachment {
  /** Where it is, in words: `ingress of eth0 (tcx)`. */
  readonly where: string;
  /** The options it was attached with, those filled in that were left out. */
  readonly hook?: object;
  /** Links alone can be destroyed together with others', which takes no longer than one. */
  readonly links?: readonly LinkHandle[];
  /** The links that keep it there; also where `links` are not given, because more than they ends with it. */
  readonly held?: readonly LinkHandle[];
  /** True when the hook has room for one program only, and the kernel cannot exchange it. */
  readonly isExclusive?: boolean;
  detach(): void;
  /** Puts another program in its place, atomically: each event meets the one or the other. */
  swap?(object: ObjectHandle, program: string): void;
  /** True when what it hung on has gone and the attachment with it, or when somebody else took it off. */
  isGone?(): boolean;
  /** What an iterator prints in one pass. */
  read?(): Buffer;
}

/** One kind of hook: what it is called, what it has to be told beside SEC(), and how a program gets there. */
export interface HookKind<Options extends object = object> {
  /** What programs of this kind are attached to, in words: `a network interface`. */
  readonly to: string;
  /** The options it takes. */
  readonly takes: readonly (keyof Options & string)[];
  /** Those of them that SEC() can say in their place. */
  readonly inSection?: readonly (keyof Options & string)[];
  /** What options are when they are left out. */
  readonly defaults?: Partial<Options>;
  /** Set for programs that have no hook: how they are run instead. They are left alone when an object is attached. */
  readonly byHand?: string;
  /** @throws NativeError, which the caller puts into words; ArgumentError and others as they are */
  attach(program: Attachable, options: Options): Attachment | Promise<Attachment>;
}

/** An attachment that is nothing but links. */
export function byLinks(links: readonly LinkHandle[], where: string): Attachment {
  return { where, links, held: links, detach: () => native.bpf_link__destroy(...links) };
}

/** What keeps it there is no link of the kernel's, but a descriptor that is closed like one. */
export function byDescriptor(held: LinkHandle, where: string): Attachment {
  return { where, links: [held], detach: () => native.bpf_link__destroy(held) };
}

/** As `byLinks`, for a link whose program the kernel exchanges. */
export function byUpdatableLink(link: LinkHandle, where: string): Attachment {
  return {
    ...byLinks([link], where),
    swap: (object, program) => native.bpf_link_update(link, object, program),
  };
}

/** One attachment of several, as when a program is on several interfaces: all of them or none. */
export function together(attachments: readonly Attachment[]): Attachment {
  if (attachments.length === 1) return attachments[0]!;
  const where = attachments.map((one) => one.where).join(", ");
  return {
    where,
    detach: () => attachments.forEach((one) => one.detach()),
    ...(attachments.every((one) => one.links) ? { links: attachments.flatMap((one) => one.links!) } : {}),
    ...(attachments.every((one) => one.held) ? { held: attachments.flatMap((one) => one.held!) } : {}),
    ...(attachments.every((one) => one.swap)
      ? { swap: (object: ObjectHandle, program: string) => attachments.forEach((one) => one.swap!(object, program)) }
      : {}),
    ...(attachments.some((one) => one.isExclusive) ? { isExclusive: true } : {}),
    isGone: () => attachments.every((one) => one.isGone?.() ?? false),
  };
}

/** Attaches to each of several places; when one fails, those before it come off again. */
export function attachToEach<Place>(places: readonly Place[], attach: (place: Place) => Attachment): Attachment {
  const made: Attachment[] = [];
  try {
    for (const place of places) made.push(attach(place));
  } catch (error) {
    for (const one of made) one.detach();
    throw error;
  }
  return together(made);
}
