/** Whether the nodes at the endpoints run PBFT: f+1 of them that say Raft are believed, one that says PBFT is enough. */
import type { Client } from '../client.js'

/** False also where nobody answers. A liar may send us to PBFT, whose client believes no single node; never to Raft. */
export function speaksPbft(client: Client, timeoutMs: number): Promise<boolean> {
  const { endpoints } = client
  const faultyMax = Math.floor((endpoints.length - 1) / 3)
  return new Promise((resolve) => {
    let open = endpoints.length
    let raft = 0
    const ended = (protocol: string | null): void => {
      open--
      if (protocol === 'pbft') resolve(true)
      if (protocol === 'raft') raft++
      if (open === 0 || raft > faultyMax) resolve(false)
    }
    for (const endpoint of endpoints)
      client.status(endpoint, { timeoutMs }).then(
        (status) => ended(status.protocol),
        () => ended(null),
      )
  })
}
