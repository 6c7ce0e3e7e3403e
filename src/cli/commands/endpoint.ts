/** `endpoint status`, `health`, `hashkv`, and `defrag`: each endpoint is asked by itself; exit 1 when one has no good answer. */
import type { EtcdClient } from '../../client/etcd/client.js'
import { complain, EXIT, lineOf } from '../errors.js'
import { headerLines } from '../format/etcd/fields.js'
import { headerFields } from '../format/etcd/json.js'
import { type Field, filled, GAP, type WriteOutFlag, writeOut } from '../format/etcd/write-out.js'
import { print } from '../output.js'
import { hexId } from '../parse/lease-id.js'
import { type ClientFlags, endpointsOf, withEtcd } from '../session.js'

type Flags = ClientFlags & WriteOutFlag & { readonly cluster?: boolean }

interface Asked<T> {
  readonly endpoint: string
  readonly answer: T
}

const STATUS_HEAD = [
  'ENDPOINT',
  'ID',
  'VERSION',
  'DB SIZE',
  'IS LEADER',
  'IS LEARNER',
  'RAFT TERM',
  'RAFT INDEX',
  'RAFT APPLIED INDEX',
  'ERRORS',
]

export async function status(flags: Flags): Promise<number> {
  const { answers, failed } = await askAll(flags, (client, endpoint) => client.status(endpoint))
  const rows = answers.map(({ endpoint, answer }) => [
    endpoint,
    hexId(answer.header?.memberId ?? '0'),
    answer.version,
    bytesText(answer.dbSize),
    String(answer.leader === answer.header?.memberId),
    String(answer.isLearner),
    String(answer.raftTerm),
    String(answer.raftIndex),
    String(answer.raftAppliedIndex),
    answer.errors.join(', '),
  ])
  writeOut(flags, {
    simple: () => {
      for (const row of rows) print(row.join(', '))
    },
    json: () =>
      answers.map(({ endpoint, answer }) => ({
        Endpoint: endpoint,
        Status: {
          header: headerFields(answer.header),
          ...filled({
            version: answer.version,
            dbSize: answer.dbSize,
            leader: BigInt(answer.leader),
            raftIndex: answer.raftIndex,
            raftTerm: answer.raftTerm,
            raftAppliedIndex: answer.raftAppliedIndex,
            errors: answer.errors,
            dbSizeInUse: answer.dbSizeInUse,
            isLearner: answer.isLearner,
          }),
        },
      })),
    fields: () =>
      answers.flatMap(({ endpoint, answer }): Field[] => [
        ...headerLines(answer.header),
        ['Version', JSON.stringify(answer.version)],
        ['DBSize', answer.dbSize],
        ['Leader', answer.leader],
        ['IsLearner', answer.isLearner],
        ['RaftIndex', answer.raftIndex],
        ['RaftTerm', answer.raftTerm],
        ['RaftAppliedIndex', answer.raftAppliedIndex],
        ['Errors', `[${answer.errors.join(' ')}]`],
        ['Endpoint', JSON.stringify(endpoint)],
        GAP,
      ]),
    table: () => ({ head: STATUS_HEAD, rows }),
  })
  return failed ? EXIT.generic : EXIT.ok
}

export async function hashKv(flags: Flags & { readonly rev?: number }): Promise<number> {
  const { answers, failed } = await askAll(flags, (client, endpoint) =>
    client.hashKv(endpoint, flags.rev ?? 0),
  )
  const rows = answers.map(({ endpoint, answer }) => [endpoint, String(answer.hash)])
  writeOut(flags, {
    simple: () => {
      for (const row of rows) print(row.join(', '))
    },
    json: () =>
      answers.map(({ endpoint, answer }) => ({
        Endpoint: endpoint,
        HashKV: {
          header: headerFields(answer.header),
          ...filled({ hash: answer.hash, compact_revision: answer.compactRevision }),
        },
      })),
    fields: () =>
      answers.flatMap(({ endpoint, answer }): Field[] => [
        ...headerLines(answer.header),
        ['Endpoint', JSON.stringify(endpoint)],
        ['Hash', answer.hash],
        GAP,
      ]),
    table: () => ({ head: ['ENDPOINT', 'HASH'], rows }),
  })
  return failed ? EXIT.generic : EXIT.ok
}

export async function defrag(flags: Flags): Promise<number> {
  const { answers, failed } = await askAll(flags, (client, endpoint) => client.defragment(endpoint))
  for (const { endpoint } of answers) print(`Finished defragmenting etcd member[${endpoint}]`)
  return failed ? EXIT.generic : EXIT.ok
}

interface Health {
  readonly endpoint: string
  readonly took: string
  readonly error: string
}

export async function health(flags: Flags): Promise<number> {
  const seen = await withEtcd(flags, async (client) =>
    Promise.all((await chosen(flags, client)).map((endpoint) => healthOf(client, endpoint))),
  )
  const rows = seen.map((one) => [one.endpoint, String(one.error === ''), one.took, one.error])
  writeOut(flags, {
    simple: () => {
      for (const one of seen)
        if (one.error === '')
          print(`${one.endpoint} is healthy: successfully committed proposal: took = ${one.took}`)
        else print(`${one.endpoint} is unhealthy: failed to commit proposal: ${one.error}`)
    },
    json: () =>
      seen.map(({ endpoint, took, error }) => ({
        endpoint,
        health: error === '',
        took,
        ...filled({ error }),
      })),
    fields: () =>
      seen.flatMap((one): Field[] => [
        ['Endpoint', JSON.stringify(one.endpoint)],
        ['Health', one.error === ''],
        ['Took', one.took],
        ['Error', one.error],
        GAP,
      ]),
    table: () => ({ head: ['ENDPOINT', 'HEALTH', 'TOOK', 'ERROR'], rows }),
  })
  return seen.every((one) => one.error === '') ? EXIT.ok : EXIT.generic
}

async function healthOf(client: EtcdClient, endpoint: string): Promise<Health> {
  const began = performance.now()
  const error = await client.ping(endpoint).then(
    () => '',
    (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown)),
  )
  return { endpoint, took: `${(performance.now() - began).toFixed(6)}ms`, error }
}

async function askAll<T>(
  flags: Flags,
  ask: (client: EtcdClient, endpoint: string) => Promise<T>,
): Promise<{ readonly answers: readonly Asked<T>[]; readonly failed: boolean }> {
  const answers: Asked<T>[] = []
  let failed = false
  await withEtcd(flags, async (client) => {
    for (const endpoint of await chosen(flags, client)) {
      try {
        answers.push({ endpoint, answer: await ask(client, endpoint) })
      } catch (error) {
        failed = true
        complain(`${endpoint}: ${lineOf(error)}`)
      }
    }
  })
  return { answers, failed }
}

async function chosen(flags: Flags, client: EtcdClient): Promise<readonly string[]> {
  if (flags.cluster !== true) return endpointsOf(flags)
  const { members } = await client.memberList()
  return members.flatMap((member) => member.clientURLs.map((url) => url.replace(/^http:\/\//, '')))
}

/** As etcdctl writes sizes: `20 kB`. */
function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000
    unit++
  }
  const digits = unit > 0 && value < 10 ? value.toFixed(1) : String(Math.round(value))
  return `${digits} ${units[unit]}`
}
