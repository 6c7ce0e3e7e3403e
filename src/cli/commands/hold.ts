/** `lock` and `elect`: held until a signal, or while a command runs. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { EtcdClient } from '../../client/etcd/client.js'
import { CliError, EXIT } from '../errors.js'
import { rangeLines } from '../format/etcd/fields.js'
import { rangeFields } from '../format/etcd/json.js'
import { type HexFlag, printPair } from '../format/etcd/pair.js'
import { type WriteOutFlag, writeOut } from '../format/etcd/write-out.js'
import { type ClientFlags, withEtcd } from '../session.js'

/** What a shell says of a command that is not there. */
const NO_SUCH_COMMAND = 127
const SIGNALLED = 128

/** Seconds, where 0 was asked for: as with etcdctl's sessions. */
const SESSION_TTL = 60

type HoldFlags = ClientFlags & WriteOutFlag & HexFlag

export async function lock(
  name: string,
  command: readonly string[],
  flags: HoldFlags & { readonly ttl: number },
): Promise<number> {
  return await withEtcd(flags, async (client) => {
    const stop = stopSignal()
    const held = await client.lock(name, { ttl: flags.ttl || SESSION_TTL, signal: stop })
    try {
      if (command.length > 0)
        return await runUnder(held.lost, command, {
          ETCD_LOCK_KEY: held.key,
          ETCD_LOCK_REV: String(held.token),
        })
      await printKey(client, held.key, flags)
      await untilStopped(stop, held.lost, `lock ${name}`)
      return EXIT.ok
    } finally {
      await held.release().catch(() => {})
    }
  })
}

export async function elect(
  name: string,
  proposal: string | undefined,
  flags: HoldFlags & { readonly listen?: boolean },
): Promise<number> {
  const stop = stopSignal()
  return await withEtcd(flags, async (client) => {
    if (flags.listen === true) return await observe(client, name, { stop, flags })
    if (proposal === undefined)
      throw new CliError(EXIT.usage, 'elect: expected a proposal, or --listen')
    const leadership = await client.election(name).campaign(proposal, { signal: stop })
    try {
      await printKey(client, leadership.key, flags)
      await untilStopped(stop, leadership.lost, `leadership of ${name}`)
      return EXIT.ok
    } finally {
      await leadership.resign().catch(() => {})
    }
  })
}

async function observe(
  client: EtcdClient,
  name: string,
  { stop, flags }: { readonly stop: AbortSignal; readonly flags: HoldFlags },
): Promise<number> {
  // The whole answer is only asked for where it is printed.
  for await (const leader of client.election(name).observe({ signal: stop }))
    if ((flags.writeOut ?? 'simple') === 'simple') printPair(leader, flags)
    else await printKey(client, leader.key, flags)
  return EXIT.ok
}

/** As `get` prints it. */
async function printKey(
  client: EtcdClient,
  key: string | Uint8Array,
  flags: HoldFlags,
): Promise<void> {
  const response = await client.range(key)
  writeOut(flags, {
    simple: () => {
      for (const kv of response.kvs) printPair(kv, flags)
    },
    json: () => rangeFields(response),
    fields: () => rangeLines(response),
  })
}

/** Throws when it is lost before we are told to stop. */
async function untilStopped(stop: AbortSignal, lost: AbortSignal, what: string): Promise<void> {
  if (!stop.aborted && !lost.aborted) await once(AbortSignal.any([stop, lost]), 'abort')
  if (lost.aborted) throw new CliError(EXIT.unavailable, `the ${what} is lost: its lease is gone`)
}

/** A command must not go on under a lock that is lost: it is told to end. */
async function runUnder(
  lost: AbortSignal,
  [program = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...env } })
  const end = () => child.kill('SIGTERM')
  lost.addEventListener('abort', end)
  try {
    const [code]: unknown[] = await once(child, 'exit')
    if (lost.aborted) throw new CliError(EXIT.unavailable, 'the lock was lost: its lease is gone')
    return typeof code === 'number' ? code : SIGNALLED
  } catch (error) {
    if (error instanceof CliError) throw error
    throw new CliError(NO_SUCH_COMMAND, `${program} cannot be run: ${String(error)}`)
  } finally {
    lost.removeEventListener('abort', end)
  }
}

/** Aborted by SIGINT or SIGTERM; a second one ends the process. */
function stopSignal(): AbortSignal {
  const stop = new AbortController()
  process.removeAllListeners('SIGINT')
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stop.abort(new CliError(EXIT.interrupted, 'stopped while waiting'))
      process.once(signal, () => process.exit(EXIT.interrupted))
    })
  }
  return stop.signal
}
