import type { Observable } from "rxjs";
import type { Capture } from "./account.js";

/** What a stream from other machines can do beside being subscribed to: it takes time there to begin and to end. */
export interface Remote {
  /** Resolves when all events from now on will come; rejects when none will. It holds while somebody subscribes. */
  ready(): Promise<void>;
  /** Resolves when all that happened until now has come, or is known not to come; never rejects. */
  settle(): Promise<void>;
  /** The machines, and their clock where it is one. */
  provenance(): Partial<Capture>;
}

const remotes = new WeakMap<Observable<unknown>, Remote>();

/** The same stream, of which `remoteFrom` knows that it comes from elsewhere. */
export function markRemote<Stream extends Observable<unknown>>(stream: Stream, remote: Remote): Stream {
  remotes.set(stream, remote);
  return stream;
}

/** How to wait for a stream of other machines; undefined for one of this machine, or one behind operators. */
export function remoteFrom(stream: Observable<unknown>): Remote | undefined {
  return remotes.get(stream);
}
