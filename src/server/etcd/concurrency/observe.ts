/** Election.Observe: every leader of a name, and every value that each proclaims, as long as the stream is open. */
import { latin1Decode } from '../../../base/latin1.js'
import type { KeyValue } from '../../../gen/etcd/api/mvccpb/kv.js'
import type {
  LeaderRequest,
  LeaderResponse,
} from '../../../gen/etcd/api/v3electionpb/v3election.js'
import type { Version } from '../../../machine/kv/history.js'
import { keyValueOf } from '../../../machine/watch/events.js'
import { RpcError } from '../../../rpc/status.js'
import type { ServerStream } from '../../../rpc/types.js'
import { follow } from './changes.js'
import { Keyspace, NO_CALLER } from './keyspace.js'
import { prefixOf, type TurnParts } from './turns.js'

export function observe(
  stream: ServerStream<LeaderRequest, LeaderResponse>,
  parts: TurnParts,
): void {
  const closed = new AbortController()
  stream.onClose(() => closed.abort())
  let asked = false
  stream.onMessage(({ name }) => {
    if (asked) return
    asked = true
    run(stream, parts, prefixOf(name), closed.signal).catch((error: unknown) => {
      if (!(error instanceof RpcError)) throw error
      stream.fail(error)
    })
  })
}

async function run(
  stream: ServerStream<LeaderRequest, LeaderResponse>,
  parts: TurnParts,
  prefix: Uint8Array,
  closed: AbortSignal,
): Promise<void> {
  const keys = new Keyspace(parts, NO_CALLER)
  const tell = (kv: KeyValue, revision: number) =>
    stream.write({ header: parts.headers.of(revision), kv })
  while (!closed.aborted) {
    const { kv, revision } = await keys.first(prefix)
    const range = { key: latin1Decode(prefix), end: `${latin1Decode(prefix).slice(0, -1)}0` }
    if (kv === null) {
      await changes(parts, range, revision + 1, closed, (version) => !version.deleted)
      continue
    }
    if (closed.aborted) return
    tell(kv, revision)
    // Until the term ends. Then whoever is first leads.
    await changes(
      parts,
      { key: latin1Decode(kv.key), end: '' },
      revision + 1,
      closed,
      (version) => {
        if (!version.deleted) tell(keyValueOf(version), version.mod)
        return version.deleted
      },
    )
  }
}

/** Until `isLast` says so of a change, changes are lost, or the stream is closed. */
function changes(
  { hub }: TurnParts,
  range: { readonly key: string; readonly end: string },
  from: number,
  closed: AbortSignal,
  isLast: (version: Version) => boolean,
): Promise<void> {
  return new Promise((resolve) => {
    let stop = () => {}
    const end = () => {
      stop()
      closed.removeEventListener('abort', end)
      resolve()
    }
    if (closed.aborted) return resolve()
    closed.addEventListener('abort', end)
    stop = follow(hub, range, from, {
      changed: (versions) => {
        if (versions.some(isLast)) end()
      },
      lost: end,
    })
  })
}
