/**
 * Forgetting what a bounded Map or Set took in first. An engine leaves a gap where an entry was, and looks for the oldest behind all
 * gaps: to drop one with each that comes costs as much as a walk through the whole (22 µs of 65,536, for each). So many go at once.
 */

/** A bound is kept by dropping this share of it when it is passed. */
const SHARE = 8
/** A bound below this is kept to the entry: there are few gaps to walk over. */
const LARGE = 1_024

/** Keeps it at `max` entries or fewer; when there is one more, the oldest goes, or of many the oldest eighth. */
export function keepNewest<K>(
  of: { readonly size: number; keys(): Iterable<K>; delete(key: K): boolean },
  max: number,
): void {
  if (of.size <= max) return
  const kept = max < LARGE ? max : max - Math.floor(max / SHARE)
  for (const oldest of of.keys()) {
    if (of.size <= kept) return
    of.delete(oldest)
  }
}
