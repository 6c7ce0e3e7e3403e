/** What is measured. Each command has a key, a sequence number and a result of its own. */
import { Client } from '../../client/client.js'
import { encodePut, putRequest } from '../../client/kv.js'
import type { ClientOptions } from '../../client/options.js'

export interface Scenario {
  readonly name: string
  readonly what: string
  readonly writes: boolean
  readonly concurrency: number
  /** Connections, each with a session of its own. */
  readonly clients: number
  readonly transport: 'unary' | 'stream'
}

const VALUE_BYTES = 256

const UNARY = { what: 'SubmitCommand', writes: true, transport: 'unary' } as const
const QUERY = { what: 'Query, linearizable', writes: false, transport: 'unary' } as const

export const SCENARIOS: readonly Scenario[] = [
  { name: 'unary-1', ...UNARY, concurrency: 1, clients: 1 },
  { name: 'unary-100', ...UNARY, concurrency: 100, clients: 2 },
  { name: 'unary-500', ...UNARY, concurrency: 500, clients: 4 },
  {
    name: 'stream',
    what: 'SubmitCommands, pipelined',
    writes: true,
    transport: 'stream',
    concurrency: 3_000,
    clients: 1,
  },
  { name: 'query-1', ...QUERY, concurrency: 1, clients: 1 },
  { name: 'query-100', ...QUERY, concurrency: 100, clients: 2 },
]

const VALUE = new Uint8Array(VALUE_BYTES).fill(0x76)

function keyOf(scenario: Scenario, n: number): string {
  return `bench/${scenario.name}/${n}`
}

/** The n-th command of a load, encoded. */
export function commandOf(scenario: Scenario, n: number): Uint8Array {
  return encodePut(putRequest(keyOf(scenario, n), VALUE))
}

export interface Load {
  readonly operation: (n: number) => Promise<number | null>
  close(): void
}

export function openLoad(scenario: Scenario, options: ClientOptions): Load {
  const clients = Array.from(
    { length: scenario.clients },
    () => new Client({ ...options, transport: scenario.transport }),
  )
  const clientOf = (n: number): Client => {
    const client = clients[n % clients.length]
    if (client === undefined) throw new Error('a load has clients')
    return client
  }
  const operation = scenario.writes
    ? async (n: number) => {
        const { header } = await clientOf(n).put(keyOf(scenario, n), VALUE)
        return header?.revision ?? null
      }
    : async (n: number) => {
        await clientOf(n).get(`bench/unary-1/${n % 100}`)
        return null
      }
  return {
    operation,
    close: () => {
      for (const client of clients) client.close()
    },
  }
}
