import { AsyncResource } from "node:async_hooks";
import { Observable } from "rxjs";

/**
 * A shared stream whose values come to each subscriber as if it had its own: in the async context in which it
 * subscribed. Without this all are called in that of the first, and what a second cell prints is shown below the first.
 */
export function inContextOfSubscriber<T>(shared: Observable<T>): Observable<T> {
  return new Observable<T>((subscriber) =>
    shared.subscribe({
      next: AsyncResource.bind((value: T) => subscriber.next(value)),
      error: AsyncResource.bind((error: unknown) => subscriber.error(error)),
      complete: AsyncResource.bind(() => subscriber.complete()),
    }),
  );
}
