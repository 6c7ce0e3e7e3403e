/** How the time of a whole run is shared out. */
const FOR_MS = Number(process.env['CHAOS_FOR_MS'] ?? 600_000)

export const SEED = Number(process.env['CHAOS_SEED'] ?? 1)

/** What starting, healing, judging and the runs with broken disks take, measured on two busy cores. */
const OVERHEAD_MS = Math.min(120_000, FOR_MS * 0.55)

const left = FOR_MS - OVERHEAD_MS

export const SHARES = [
  { name: 'three nodes', nodes: 3, forMs: Math.round(left * 0.6) },
  { name: 'five nodes', nodes: 5, forMs: Math.round(left * 0.4) },
] as const

const FULL_RUN_MS = 600_000

/** Of a full run; a short one has no such floor. */
export const OPERATIONS_MIN = FOR_MS >= FULL_RUN_MS ? 20_000 : 0
