/** What the nodes of a cluster say of themselves, asked all at once. */
import type { Client } from '../client/client.js'
import type { StatusResponse } from '../gen/quorate/v1/quorate.js'
import { type ClientFlags, endpointsOf } from './session.js'

export type Seen =
  | { readonly endpoint: string; readonly status: StatusResponse }
  | { readonly endpoint: string; readonly error: string }

export interface Answered {
  readonly endpoint: string
  readonly status: StatusResponse
}

/** One row for each endpoint, in their order; a node that does not answer in time has its error. */
export async function lookAround(client: Client, flags: ClientFlags): Promise<Seen[]> {
  // A node that is up answers at once: waiting longer only delays the word on one that is not.
  const timeoutMs = Math.min(flags.commandTimeout, flags.dialTimeout)
  return await Promise.all(
    endpointsOf(flags).map(async (endpoint) => {
      try {
        return { endpoint, status: await client.status(endpoint, { timeoutMs }) }
      } catch (error) {
        return { endpoint, error: error instanceof Error ? error.message : String(error) }
      }
    }),
  )
}

export function answered(seen: readonly Seen[]): Answered[] {
  return seen.filter((one): one is Answered => 'status' in one)
}

/** Who leads in the highest term that anybody reports. */
export function leaderOf(seen: readonly Seen[]): Answered | null {
  const leaders = answered(seen).filter(
    ({ status }) => status.role === 'leader' || status.role === 'primary',
  )
  return leaders.sort((a, b) => b.status.term - a.status.term)[0] ?? null
}

/** Every member's name that some node knows, sorted. */
export function membersOf(seen: readonly Seen[]): string[] {
  const names = new Set<string>()
  for (const { status } of answered(seen)) {
    if (status.name !== '') names.add(status.name)
    for (const peer of status.peers) names.add(peer.name)
    for (const member of status.configuration?.members ?? []) names.add(member.name)
  }
  return [...names].sort()
}
