/** What is measured. Each command has a key, a sequence number and a result of its own. */
import { Client } from '../../client/client.js'
import { Connections } from '../../client/connections.js'
import { deleteRequest, encodeDelete, encodePut, putRequest } from '../../client/kv.js'
import type { ClientOptions } from '../../client/options.js'
import type { BenchProtocol } from './cluster.js'

export interface Scenario {
  readonly name: string
  readonly protocol: BenchProtocol
  readonly what: string
  readonly writes: boolean
  readonly valueBytes: number
  readonly concurrency: number
  /** Each with a session and, over PBFT, a key of its own. */
  readonly clients: number
  /** They share their connections, as those of one program may; else each has its own. */
  readonly sharesConnections?: boolean
  readonly transport: 'unary' | 'stream'
  /** The commands of `stream` go around the client, as a program's would that wants all of it. */
  readonly raw?: boolean
}

const VALUE_BYTES = 256

const RAFT = { protocol: 'raft', valueBytes: VALUE_BYTES } as const
const UNARY = { ...RAFT, what: 'SubmitCommand', writes: true, transport: 'unary' } as const
const QUERY = { ...RAFT, what: 'Query, linearizable', writes: false, transport: 'unary' } as const

export const SCENARIOS: readonly Scenario[] = [
  { name: 'unary-1', ...UNARY, concurrency: 1, clients: 1 },
  { name: 'unary-100', ...UNARY, concurrency: 100, clients: 2 },
  { name: 'unary-500', ...UNARY, concurrency: 500, clients: 4 },
  {
    ...RAFT,
    name: 'stream',
    raw: true,
    what: 'SubmitCommands, pipelined',
    writes: true,
    transport: 'stream',
    concurrency: 3_000,
    clients: 1,
  },
  { name: 'query-1', ...QUERY, concurrency: 1, clients: 1 },
  { name: 'query-100', ...QUERY, concurrency: 100, clients: 2 },
]

const LOADS = [
  { load: '1', what: 'one client', concurrency: 1, clients: 1 },
  { load: '100', what: '100 clients, an identity each', concurrency: 100, clients: 100 },
  {
    load: 'program-100',
    what: '100 identities of one program',
    concurrency: 100,
    clients: 100,
    sharesConnections: true,
  },
  { load: 'shared-100', what: '100 callers of one client', concurrency: 100, clients: 1 },
] as const
const SIZES = [
  { size: '0b', valueBytes: 0 },
  { size: '1kb', valueBytes: 1_024 },
] as const

/**
 * What bearing lies costs: the same loads over either protocol, in one run. With an identity each, every request has a signature
 * of its own; what is asked of one client at once has one together.
 */
export const PBFT_SCENARIOS: readonly Scenario[] = (['raft', 'pbft'] as const).flatMap((protocol) =>
  LOADS.flatMap(({ load, ...of }) =>
    SIZES.map(({ size, valueBytes }): Scenario => {
      const name = `${protocol}-${load}-${size}`
      return { name, protocol, valueBytes, writes: true, transport: 'stream', ...of }
    }),
  ),
)

function keyOf(scenario: Scenario, n: number): string {
  return `bench/${scenario.name}/${n}`
}

function valueFor({ valueBytes }: Scenario): Uint8Array {
  return new Uint8Array(valueBytes).fill(0x76)
}

/** The n-th command of a load, encoded. */
export function commandOf(scenario: Scenario, n: number): Uint8Array {
  return encodePut(putRequest(keyOf(scenario, n), valueFor(scenario)))
}

/** Clients that connect at once: all hundred of them together would have the nodes do nothing else for seconds. */
const OPENERS = 8
const OPEN_MS_MAX = 20_000
/** Deletes what is not there: no revision. */
const OPENING = encodeDelete(deleteRequest('bench/none'))

export interface Load {
  readonly operation: (n: number) => Promise<number | null>
  /** Connects every client and opens its session: what is measured is commands, not dialling. */
  open(): Promise<void>
  close(): void
}

export function openLoad(scenario: Scenario, options: ClientOptions): Load {
  const { transport } = scenario
  const shared = scenario.sharesConnections === true ? { connections: new Connections() } : {}
  const clients = Array.from(
    { length: scenario.clients },
    () => new Client({ ...options, transport, ...shared }),
  )
  const value = valueFor(scenario)
  // As many callers as clients: each has one to itself.
  const idle = [...clients]
  const withClient = async <T>(n: number, work: (client: Client) => Promise<T>): Promise<T> => {
    const own = scenario.concurrency === clients.length ? idle.pop() : undefined
    const client = own ?? clients[n % clients.length]
    if (client === undefined) throw new Error('a load has clients')
    try {
      return await work(client)
    } finally {
      if (own !== undefined) idle.push(own)
    }
  }
  const operation = scenario.writes
    ? (n: number) =>
        withClient(n, async (client) => {
          const { header } = await client.put(keyOf(scenario, n), value)
          return header?.revision ?? null
        })
    : (n: number) =>
        withClient(n, async (client) => {
          await client.get(`bench/unary-1/${n % 100}`)
          return null
        })
  return {
    operation,
    open: async () => {
      const left = [...clients]
      const opener = async (): Promise<void> => {
        for (let next = left.pop(); next !== undefined; next = left.pop())
          await next.submit(OPENING, { timeoutMs: OPEN_MS_MAX })
      }
      await Promise.all(Array.from({ length: OPENERS }, opener))
    },
    close: () => {
      for (const client of clients) client.close()
    },
  }
}
