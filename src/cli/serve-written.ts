/** What whoever starts a node wrote: flags, environment and YAML, one over the other. */
import { readFileSync } from 'node:fs'
import { parse as parseYaml } from 'yaml'
import { usageError } from './errors.js'
import { ETCD_FLAGS, isEtcdFlag } from './etcd-flags.js'
import { suggest } from './parse/suggest.js'
import { envNameOf, SERVE_FLAGS } from './serve-flags.js'

/** A value as written, and where: for the error. */
export interface Written {
  readonly value: unknown
  readonly from: string
}

/** Flag over environment, QUORATE_ over ETCD_, over file. Throws CliError. */
export function gather(
  options: Readonly<Record<string, unknown>>,
  sourceOf: (option: string) => string,
  environment: Readonly<Record<string, string | undefined>> = {},
): Map<string, Written> {
  const written = new Map<string, Written>()
  const configFile = options.configFile ?? environment.ETCD_CONFIG_FILE
  if (typeof configFile === 'string')
    for (const [key, value] of readConfigFile(configFile))
      written.set(key, { value, from: `${configFile}: ${key}` })
  for (const name of [...SERVE_FLAGS.map((one) => one.name), ...ETCD_FLAGS]) {
    const key = name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
    const etcdName = envNameOf(name, 'ETCD')
    const value = options[key] ?? environment[etcdName]
    if (value === undefined) continue
    const fromEnv = options[key] === undefined ? etcdName : envNameOf(name)
    const isFlag = options[key] !== undefined && sourceOf(key) !== 'env'
    written.set(name, { value, from: isFlag ? `--${name}` : fromEnv })
  }
  return written
}

function readConfigFile(file: string): Map<string, unknown> {
  let parsed: unknown
  try {
    parsed = parseYaml(readFileSync(file, 'utf8'))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code === 'ENOENT') throw usageError(`--config-file: there is no file ${file}`)
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
    throw usageError(`--config-file: ${file} cannot be read: ${why}`)
  }
  if (parsed === null) return new Map()
  if (typeof parsed !== 'object' || Array.isArray(parsed))
    throw usageError(`${file}: expected lines of "name: value"`)
  const known = SERVE_FLAGS.map((one) => one.name)
  const entries = new Map<string, unknown>(Object.entries(parsed))
  for (const key of entries.keys()) {
    if (known.includes(key) || isEtcdFlag(key)) continue
    const near = suggest(key, known)
    throw usageError(
      `${file}: ${key}: expected a flag's name, got an unknown one${near === null ? '' : `; did you mean ${near}?`}`,
    )
  }
  return entries
}
