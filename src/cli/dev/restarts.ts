/** When a dead node is started again, and when not any more. Pure: the caller brings the clock. */

const DELAY_MS_MIN = 500
const DELAY_MS_MAX = 5_000
/** After so long a life the next death counts as the first. */
const RESET_AFTER_MS = 30_000
const DEATHS_MAX = 5
const DEATHS_WITHIN_MS = 10_000

export interface Restarts {
  delayMs: number
  /** When it died, the latest last; at most DEATHS_MAX. */
  deaths: number[]
}

export function newRestarts(): Restarts {
  return { delayMs: DELAY_MS_MIN, deaths: [] }
}

/** The delay until its next start; null: it dies too often. */
export function onDeath(restarts: Restarts, now: number, livedMs: number): number | null {
  if (livedMs >= RESET_AFTER_MS) {
    restarts.delayMs = DELAY_MS_MIN
    restarts.deaths = []
  }
  restarts.deaths = [...restarts.deaths, now].slice(-DEATHS_MAX)
  const first = restarts.deaths[0] ?? now
  if (restarts.deaths.length === DEATHS_MAX && now - first <= DEATHS_WITHIN_MS) return null
  const delay = restarts.delayMs
  restarts.delayMs = Math.min(DELAY_MS_MAX, delay * 2)
  return delay
}
