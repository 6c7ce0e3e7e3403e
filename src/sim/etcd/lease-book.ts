/** Leases as plainly as they can be put: what is granted, kept alive and revoked, in the order and by the time of the log. */

interface Entry {
  ttlMs: number
  deadline: number
}

const TTL_MS_MIN = 2_000

export class LeaseBook {
  readonly #leases = new Map<string, Entry>()
  readonly #keys = new Map<string, string>()

  /** In the order in which they expire. */
  get ids(): readonly string[] {
    return [...this.#leases]
      .sort(([a, x], [b, y]) => x.deadline - y.deadline || (BigInt(a) < BigInt(b) ? -1 : 1))
      .map(([id]) => id)
  }

  due(time: number): readonly string[] {
    return this.ids.filter((id) => (this.#leases.get(id)?.deadline ?? 0) <= time)
  }

  grant(id: string, ttlSeconds: number, time: number): void {
    const ttlMs = Math.max(TTL_MS_MIN, 1_000 * ttlSeconds)
    this.#leases.set(id, { ttlMs, deadline: time + ttlMs })
  }

  /** Seconds; 0: there is no such lease. */
  keepAlive(id: string, time: number): number {
    const lease = this.#leases.get(id)
    if (lease === undefined) return 0
    lease.deadline = time + lease.ttlMs
    return lease.ttlMs / 1_000
  }

  /** Seconds, whole; -1: there is no such lease. */
  left(id: string, time: number): number {
    const lease = this.#leases.get(id)
    return lease === undefined ? -1 : Math.floor((lease.deadline - time) / 1_000)
  }

  has(id: string): boolean {
    return this.#leases.has(id)
  }

  end(id: string): void {
    this.#leases.delete(id)
  }

  /** In their order. */
  keysOf(id: string): readonly string[] {
    return [...this.#keys].flatMap(([key, lease]) => (lease === id ? [key] : [])).sort()
  }

  /** The key is there with this lease ('0': none), or null: it is not there. */
  wrote(key: string, lease: string | null): void {
    if (lease === null || lease === '0') this.#keys.delete(key)
    else this.#keys.set(key, lease)
  }
}
