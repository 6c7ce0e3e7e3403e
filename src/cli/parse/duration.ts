const DAY_MS = 24 * 3_600_000

/** `5s`, `500ms`, `1.5m` to ms; null when the text is no duration above 0, or is above the bound. */
export function parseDuration(text: string, msMax = DAY_MS): number | null {
  const match = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)$/.exec(text.trim())
  if (match === null) return null
  const ms = Number(match[1]) * (UNITS[match[2] ?? ''] ?? 0)
  return ms >= 1 && ms <= msMax ? Math.round(ms) : null
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }
