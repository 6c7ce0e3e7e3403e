/**
 * When a lease is kept alive, and when its holder has to take it for lost. Pure: the caller brings the clock (ms).
 * The holder counts from when it sent what was answered, the server from when it took it, which is later: so the
 * holder stops first.
 */

export interface KeepAlive {
  readonly ttlMs: number
  /** From then on it may have expired. */
  readonly deadline: number
  readonly nextAt: number
}

/** Of the time to live: what is left when two attempts have failed is worth two more. */
const SHARE = 3
/** Between attempts, as a share of the time to live; and at most. */
const RETRY_SHARE = 10
const RETRY_MS_MAX = 1_000

/** `ttl` in seconds, as the server told. */
export function kept(ttl: number, sentAt: number): KeepAlive {
  const ttlMs = ttl * 1_000
  return { ttlMs, deadline: sentAt + ttlMs, nextAt: sentAt + ttlMs / SHARE }
}

/** Null: the server does not know it any more. */
export function answered(ttl: number, sentAt: number): KeepAlive | null {
  return ttl > 0 ? kept(ttl, sentAt) : null
}

export function failed(state: KeepAlive, now: number): KeepAlive {
  return { ...state, nextAt: now + Math.min(RETRY_MS_MAX, state.ttlMs / RETRY_SHARE) }
}

export function isLost(state: KeepAlive, now: number): boolean {
  return now >= state.deadline
}

/** Until there is something to do. */
export function waitMs(state: KeepAlive, now: number): number {
  return Math.max(0, Math.min(state.nextAt, state.deadline) - now)
}
