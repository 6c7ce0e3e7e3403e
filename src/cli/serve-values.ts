/** What each flag's value may be, one by one. What several of them must be together is serve-config.ts's. */
import { z } from 'zod'
import { isNodeId } from '../consensus/ids.js'
import { usageError } from './errors.js'
import { isEtcdFlag, judge, plainName } from './etcd-flags.js'
import { parseDuration } from './parse/duration.js'
import { suggest } from './parse/suggest.js'
import { type Parsed, parseInitialCluster, parseUrl } from './parse/urls.js'
import type { Written } from './serve-written.js'

const parsedBy = <T>(parse: (text: string) => Parsed<T>) =>
  z.string().transform((text, context) => {
    const parsed = parse(text)
    if ('value' in parsed) return parsed.value
    context.addIssue({ code: 'custom', message: parsed.problem })
    return z.NEVER
  })

const whole = (min: number, max: number, unit: string) =>
  z.union([z.string(), z.number()]).transform((value, context) => {
    const number = typeof value === 'number' ? value : Number(value)
    const digits = typeof value === 'number' || /^[0-9]+$/.test(value)
    if (digits && Number.isInteger(number) && number >= min && number <= max) return number
    const got = JSON.stringify(value)
    const message = `expected a whole number of ${unit} from ${min} to ${max}, got ${got}`
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })

const choice = (values: readonly string[], notes: Readonly<Record<string, string>> = {}) =>
  z.string().transform((value, context) => {
    if (values.includes(value)) return value
    const note = notes[value]
    const near = suggest(value, values)
    const hint = note ?? (near === null ? '' : `; did you mean ${near}?`)
    const message = `expected ${values.join(' or ')}, got ${JSON.stringify(value)}${hint}`
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })

const flag = z
  .union([z.boolean(), z.enum(['true', 'false', '1', '0'])], {
    message: 'expected true or false',
  })
  .transform((value) => value === true || value === 'true' || value === '1')

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== ''),
)

const nodeName = z
  .string()
  .refine(isNodeId, 'expected 1 to 63 letters, digits, dots, underscores or dashes')

/** etcd's: 0 for the default, and less for none. */
const quota = z.union([z.string(), z.number()]).transform((value, context) => {
  const number = Number(value)
  if (/^-?[0-9]+$/.test(String(value)) && Number.isSafeInteger(number)) return number
  const message = `expected a number of bytes, got ${JSON.stringify(value)}`
  context.addIssue({ code: 'custom', message })
  return z.NEVER
})

/** More often is no sign of life but a load. */
const PROGRESS_MS_MIN = 100
/** etcd's: 0 for the default. */
const interval = z.string().transform((text, context) => {
  if (/^0[a-z]*$/.test(text)) return null
  const ms = parseDuration(text)
  if (ms !== null && ms >= PROGRESS_MS_MIN) return ms
  const message = `expected a duration from ${PROGRESS_MS_MIN}ms to 24h, such as 5s, got ${JSON.stringify(text)}`
  context.addIssue({ code: 'custom', message })
  return z.NEVER
})

const SCHEMAS = {
  name: nodeName,
  'data-dir': z.string().min(1, 'expected a folder'),
  'listen-client-urls': parsedBy((text) => parseUrl(text, { portZero: true })),
  'listen-peer-urls': parsedBy((text) => parseUrl(text)),
  'advertise-client-urls': parsedBy((text) => parseUrl(text)),
  'initial-advertise-peer-urls': parsedBy((text) => parseUrl(text)),
  'initial-cluster': parsedBy(parseInitialCluster),
  'initial-cluster-state': choice(['new', 'existing']),
  'initial-cluster-token': z.string().min(1).max(255),
  protocol: choice(['raft', 'pbft']),
  'cluster-file': z.string().min(1, 'expected a file'),
  'key-file': z.string().min(1, 'expected a file'),
  'front-door-key-file': z.string().min(1, 'expected a file'),
  'election-timeout': whole(10, 50_000, 'ms'),
  'heartbeat-interval': whole(1, 10_000, 'ms'),
  'snapshot-count': whole(1, 100_000_000, 'entries'),
  'quota-backend-bytes': quota,
  'auto-compaction-mode': choice(['periodic', 'revision']),
  'auto-compaction-retention': z.union([z.string(), z.number()]).transform(String),
  'watch-progress-notify-interval': interval,
  'host-whitelist': list,
  cors: list,
  'enable-fault-injection': flag,
  insecure: flag,
}

export type Values = { [K in keyof typeof SCHEMAS]?: z.output<(typeof SCHEMAS)[K]> }

/** Throws CliError with the first value that is wrong. Warns of what is etcd's, and does nothing here. */
export function valuesOf(written: ReadonlyMap<string, Written>): {
  readonly values: Values
  readonly warnings: readonly string[]
} {
  const values: Record<string, unknown> = {}
  const warnings: string[] = []
  for (const [key, { value, from }] of written) {
    const name = plainName(key)
    if (name !== key && written.has(name)) continue
    if (isEtcdFlag(name)) {
      const warning = judge(name, { value, from })
      if (warning !== null) warnings.push(warning)
      continue
    }
    const schema = SCHEMAS[name as keyof typeof SCHEMAS]
    const result = schema.safeParse(value)
    if (!result.success) {
      const message = result.error.issues[0]?.message ?? 'is not valid'
      throw usageError(
        `${from}: ${/got/.test(message) ? message : `${message}, got ${show(value)}`}`,
      )
    }
    values[name] = result.data
  }
  return { values: values as Values, warnings }
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value)
}
