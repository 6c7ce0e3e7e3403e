/** A lock with a fencing token, over a lease. It and etcdctl's `lock` of the same name exclude each other. */
import type { Calls } from './calls.js'
import { grantLease, type Lease } from './lease.js'
import { awaitTurn, leavePlace, type Place, takePlace } from './line.js'

/** Seconds: etcd's default for sessions of locks. */
const TTL_S = 10

export interface HoldOptions {
  /** Seconds until others may have it when we are gone. Default 10. */
  readonly ttl?: number
  /** A lease to hold it by, which stays when it is given back; else one of its own. */
  readonly lease?: Lease
  /** Gives up waiting; what was begun is undone. */
  readonly signal?: AbortSignal
}

/** A place in a line, and the lease that holds it. */
export interface Held {
  readonly place: Place
  readonly lease: Lease
  giveBack(): Promise<void>
}

/** Waits until it is our turn. */
export async function hold(
  calls: Calls,
  name: string,
  value: string | Uint8Array,
  { ttl = TTL_S, lease: given, signal }: HoldOptions,
): Promise<Held> {
  signal?.throwIfAborted()
  const lease = given ?? (await grantLease(calls, ttl))
  let place: Place | null = null
  const giveBack = async () => {
    if (given === undefined) await lease.revoke()
    else if (place !== null) await leavePlace(calls, place)
  }
  try {
    const waiting = signal === undefined ? lease.lost : AbortSignal.any([signal, lease.lost])
    place = await takePlace(calls, { name, lease, value }, waiting)
    await awaitTurn(calls, place, waiting)
    waiting.throwIfAborted()
    return { place, lease, giveBack }
  } catch (error) {
    // Nobody is to wait for us: by now, or when the lease has run out.
    lease.release()
    await giveBack().catch(() => {})
    throw error
  }
}

export class Lock {
  readonly #held: Held

  constructor(held: Held) {
    this.#held = held
  }

  /**
   * The fencing token: the revision that created the lock's key. Whoever holds the lock later has a greater one, so
   * that a store which remembers the greatest it has seen can refuse who comes late with a smaller one.
   */
  get token(): number {
    return this.#held.place.revision
  }

  get key(): string {
    return this.#held.place.key
  }

  /** Aborted when the lock is lost, or may be: stop at once. */
  get lost(): AbortSignal {
    return this.#held.lease.lost
  }

  /** Gives it back. Of unknown outcome it ends with its lease. */
  release(): Promise<void> {
    return this.#held.giveBack()
  }
}
