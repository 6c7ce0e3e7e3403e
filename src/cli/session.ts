/** What every command that talks to a cluster shares: its flags, its client, its clock. */
import { Client } from '../client/client.js'
import { parseEndpoints } from '../client/endpoints.js'
import type { ClientOptions } from '../client/options.js'
import { usageError } from './errors.js'

export interface ClientFlags {
  readonly endpoints: string
  /** ms */
  readonly commandTimeout: number
  /** ms */
  readonly dialTimeout: number
}

export function endpointsOf(flags: ClientFlags): readonly string[] {
  const parsed = parseEndpoints([flags.endpoints])
  if ('bad' in parsed)
    throw usageError(`--endpoints: expected host:port, got ${JSON.stringify(parsed.bad)}`)
  if (parsed.endpoints.length === 0)
    throw usageError('--endpoints: expected at least one host:port, got none')
  return parsed.endpoints
}

/** Closes the client when the work is done, however it ends. */
export async function withClient<T>(
  flags: ClientFlags,
  work: (client: Client) => Promise<T>,
  extra: Partial<ClientOptions> = {},
): Promise<T> {
  const client = new Client({
    endpoints: endpointsOf(flags),
    commandTimeoutMs: flags.commandTimeout,
    dialTimeoutMs: flags.dialTimeout,
    attemptTimeoutMs: Math.min(1_500, flags.commandTimeout),
    failFast: true,
    ...extra,
  })
  try {
    return await work(client)
  } finally {
    client.close()
  }
}

/** All of stdin. */
export async function readStdin(): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array))
  return Buffer.concat(chunks)
}
