/** Whose word counts: from a cluster file, or, without one, what Q of the nodes say of each other. */
import { toHex } from '../../base/bytes.js'
import type { NamedKey } from '../../crypto/keyring.js'
import type { StatusResponse } from '../../gen/quorate/v1/quorate.js'
import { ClientError } from '../errors.js'

export interface Trust {
  readonly clusterId: string
  readonly replicas: readonly NamedKey[]
}

type Ask = (endpoint: string) => Promise<StatusResponse>

/**
 * What Q of the endpoints agree on, the first time: as good as the network at that moment. f that lie find no Q. Throws
 * ClientError when there is no such agreement.
 */
export async function trustOnFirstUse(endpoints: readonly string[], ask: Ask): Promise<Trust> {
  const said = new Map<string, { readonly trust: Trust; readonly by: Set<string> }>()
  const problems: string[] = []
  return new Promise((resolve, reject) => {
    let open = endpoints.length
    const ended = (): void => {
      if (--open > 0) return
      const why = problems.length === 0 ? 'they differ' : problems.join('; ')
      reject(
        new ClientError(
          'Unavailable',
          `not enough of the endpoints agree on the cluster's keys (${why}); name all nodes with --endpoints, or their keys with --cluster-file`,
        ),
      )
    }
    for (const endpoint of endpoints) {
      ask(endpoint).then(
        (status) => {
          const trust = trustOf(status)
          if (trust === null) problems.push(`${endpoint} tells no keys`)
          else {
            const key = fingerprint(trust)
            const group = said.get(key) ?? { trust, by: new Set() }
            said.set(key, group)
            if (group.by.add(endpoint).size >= quorumOf(trust.replicas.length)) resolve(group.trust)
          }
          ended()
        },
        (error: unknown) => {
          problems.push(`${endpoint}: ${error instanceof Error ? error.message : String(error)}`)
          ended()
        },
      )
    }
  })
}

function trustOf(status: StatusResponse): Trust | null {
  const keys = status.pbft?.replicaKeys ?? []
  if (keys.length === 0) return null
  const replicas = keys.map(({ name, publicKey }) => ({ name, publicKey }))
  return { clusterId: status.clusterId, replicas }
}

function fingerprint({ clusterId, replicas }: Trust): string {
  const keys = replicas.map(({ name, publicKey }) => `${name}=${toHex(publicKey)}`).sort()
  return JSON.stringify([clusterId, keys])
}

/** Of n, any two of which share an honest one. */
function quorumOf(n: number): number {
  const f = Math.floor((n - 1) / 3)
  return Math.floor((n + f + 2) / 2)
}
