/** Which protocol the nodes at the endpoints run: f+1 of them that say Raft are believed, one that says PBFT is enough. */
import type { Client } from '../client.js'

/** Null: too few answer. A liar may send us to PBFT, whose client believes no single node; never to Raft. */
export function protocolOf(client: Client, timeoutMs: number): Promise<'raft' | 'pbft' | null> {
  const { endpoints } = client
  const faultyMax = Math.floor((endpoints.length - 1) / 3)
  return new Promise((resolve) => {
    let open = endpoints.length
    let raft = 0
    const ended = (protocol: string | null): void => {
      open--
      if (protocol === 'pbft') resolve('pbft')
      if (protocol === 'raft') raft++
      if (raft > faultyMax) resolve('raft')
      if (open === 0) resolve(null)
    }
    for (const endpoint of endpoints)
      client.status(endpoint, { timeoutMs }).then(
        (status) => ended(status.protocol),
        () => ended(null),
      )
  })
}

/** False also where nobody answers. */
export async function speaksPbft(client: Client, timeoutMs: number): Promise<boolean> {
  return (await protocolOf(client, timeoutMs)) === 'pbft'
}
