/** `watch`: etcdctl's output, one change after the other, until it is told to stop. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { utf8Decode } from '../../base/utf8.js'
import type { EtcdClient } from '../../client/etcd/client.js'
import type { WatchBatch, WatchEvent } from '../../client/etcd/watch.js'
import { CliError, EXIT, usageError } from '../errors.js'
import { headerLines, kvLines } from '../format/etcd/fields.js'
import { headerFields, kvFields } from '../format/etcd/json.js'
import { type HexFlag, printPair } from '../format/etcd/pair.js'
import { type Field, type Json, type WriteOutFlag, writeOut } from '../format/etcd/write-out.js'
import { print } from '../output.js'
import { parseWatchLine, splitCommand, type WatchAsk } from '../parse/watch-line.js'
import { type ClientFlags, withEtcd } from '../session.js'

interface WatchFlags extends ClientFlags, WriteOutFlag, HexFlag {
  readonly rev?: number
  readonly prefix?: boolean
  readonly prevKv?: boolean
  readonly progressNotify?: boolean
  readonly interactive?: boolean
}

/** `words`: all that is no flag, `--` included. */
export async function watch(words: readonly string[], flags: WatchFlags): Promise<void> {
  await withEtcd(flags, async (client) => {
    if (flags.interactive === true) return await interactive(client, flags)
    const { range, command } = splitCommand(words)
    const [key, end, more] = range
    if (key === undefined || more !== undefined)
      throw usageError('watch: expected a key and at most an end, or -i; a command goes behind --')
    if (end !== undefined && flags.prefix === true)
      throw usageError('--prefix: expected no range_end beside it, got one')
    const { prefix = false, prevKv = false, rev = 0 } = flags
    const ask = { key, ...(end === undefined ? {} : { end }), prefix, prevKv, rev, command }
    await follow(client, ask, flags)
  })
}

/** Watches side by side; ends with stdin, as etcdctl does. */
async function interactive(client: EtcdClient, flags: WatchFlags): Promise<void> {
  const lines = createInterface({ input: process.stdin, terminal: false })
  const failed = new AbortController()
  const reading = (async () => {
    for await (const line of lines) {
      const ask = parseWatchLine(line)
      if (ask === null) continue
      follow(client, ask, flags).catch((error: unknown) => failed.abort(error))
    }
  })()
  await Promise.race([reading, once(failed.signal, 'abort')])
  failed.signal.throwIfAborted()
}

async function follow(client: EtcdClient, ask: WatchAsk, flags: WatchFlags): Promise<void> {
  const watching = client.watch(ask.key, {
    ...(ask.end === undefined ? { prefix: ask.prefix } : { rangeEnd: ask.end }),
    ...(ask.rev === 0 ? {} : { startRevision: ask.rev }),
    prevKv: ask.prevKv,
    progressNotify: flags.progressNotify ?? false,
  })
  for await (const batch of watching) {
    tell(batch, flags)
    for (const event of batch.events)
      if (ask.command.length > 0) await run(ask.command, event, batch)
  }
}

function tell(batch: WatchBatch, flags: WatchFlags): void {
  const header = { clusterId: '0', memberId: '0', revision: batch.revision, raftTerm: 0 }
  writeOut(flags, {
    simple: () => {
      if (batch.events.length === 0) print(`progress notify: ${batch.revision}`)
      for (const event of batch.events) tellEvent(event, flags)
    },
    json: () => ({
      Header: headerFields(header),
      Events: batch.events.map(eventFields),
      CompactRevision: 0,
      Canceled: false,
      Created: false,
    }),
    fields: () => [...headerLines(header), ...batch.events.flatMap(eventLines)],
  })
}

function tellEvent({ type, kv, prevKv }: WatchEvent, flags: HexFlag): void {
  print(type === 'put' ? 'PUT' : 'DELETE')
  for (const one of prevKv === null ? [kv] : [prevKv, kv]) printPair(one, flags)
}

function eventFields({ type, kv, prevKv }: WatchEvent): Json {
  return {
    ...(type === 'delete' ? { type: 1 } : {}),
    kv: kvFields(kv),
    ...(prevKv === null ? {} : { prev_kv: kvFields(prevKv) }),
  }
}

function eventLines({ type, kv, prevKv }: WatchEvent): Field[] {
  return [
    ['Type', type === 'put' ? 'PUT' : 'DELETE'],
    ...(prevKv === null ? [] : kvLines(prevKv, 'Prev')),
    ...kvLines(kv),
  ]
}

/** One after the other: the next change waits for the command. */
async function run(
  [program = '', ...args]: readonly string[],
  { type, kv }: WatchEvent,
  batch: WatchBatch,
): Promise<void> {
  const env = {
    ETCD_WATCH_REVISION: String(batch.revision),
    ETCD_WATCH_EVENT_TYPE: JSON.stringify(type === 'put' ? 'PUT' : 'DELETE'),
    ETCD_WATCH_KEY: JSON.stringify(utf8Decode(kv.key)),
    ETCD_WATCH_VALUE: JSON.stringify(utf8Decode(kv.value)),
  }
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...env } })
  const [code]: unknown[] = await once(child, 'exit').catch((error: unknown) => {
    throw new CliError(EXIT.generic, `${program} cannot be run: ${String(error)}`)
  })
  if (code !== 0) throw new CliError(EXIT.generic, `${program} ended with ${String(code)}`)
}
