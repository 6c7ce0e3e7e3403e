/**
 * What is replicated. Every node runs the same commands in the same order, so an implementation must be
 * deterministic: no clock, entropy, promise, environment or unordered iteration decides what a command does.
 * Throwing from `apply` stops the node; a command that cannot be done is answered, not thrown.
 */
export interface ApplyContext {
  /** Position in the replicated log. */
  readonly index: number
  /** Agreed time in ms: the only clock; it never goes back. */
  readonly time: number
}

export interface StateMachine {
  /** Called at each entry before its commands, also where it has none: time has come to `context.time`. */
  advance?(context: ApplyContext): void
  /** Runs a command and gives its result. The command's bytes are a view: copy what outlives the call. */
  apply(command: Uint8Array, context: ApplyContext): Uint8Array
  /** Reads, and changes nothing. */
  query(query: Uint8Array): Uint8Array
  /**
   * The state as of this call, whatever is applied while the chunks are pulled. A generator runs at its first pull, which
   * is made before anything else is applied: one chunk of it needs no care, of several the later ones must come from what
   * was captured before the first. A pull should take at most 5 ms and give at most some 64 to 256 KiB. Iterate to the
   * end or call the iterator's `return`.
   */
  snapshot(): Iterable<Uint8Array>
  /**
   * Becomes the state that `snapshot` gave: the same chunks, with the same boundaries, as views. Pulls to
   * the end before it replaces anything, since only the end tells that the chunks are whole. Throws on bytes
   * that no snapshot gave, and then is as it was.
   */
  restore(chunks: Iterable<Uint8Array>): void
  /** Equal on two nodes when their data is equal, and, but for collisions, only then. */
  hash(): string
  /** Agreed time (ms) at which something expires; null: nothing will. */
  nextDeadline?(): number | null
}

/** Bytes that are no snapshot of this machine, or no whole one; the message says what is wrong with them. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError'
}

/** Throws what is wrong with a snapshot's bytes unless the condition holds. */
export function demand(condition: boolean, problem: string): asserts condition {
  if (!condition) throw new SnapshotError(problem)
}
