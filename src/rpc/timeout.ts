/** The header `grpc-timeout`. */
const TIMEOUT = /^(\d{1,8})([HMSmun])$/
const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
}

/** In ms, with a fraction; null: it is none. */
export function timeoutMsOf(header: string): number | null {
  const [, count, unit = ''] = TIMEOUT.exec(header) ?? []
  return count === undefined ? null : Number(count) * (UNIT_MS[unit] ?? 0)
}
