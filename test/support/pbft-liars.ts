/**
 * Replicas that lie: an honest core within, and between it and the network somebody with its key. A lie is told flight
 * by flight, and signed as its sender may: nobody here has another's key.
 */
import { toHex } from '../../src/base/bytes.js'
import { utf8Encode } from '../../src/base/utf8.js'
import type { NodeId } from '../../src/consensus/ids.js'
import { hashedBytes, signedBytes } from '../../src/consensus/pbft/encoding.js'
import type { Batch, Digest, Message, Statement } from '../../src/consensus/pbft/messages.js'
import { fakeKeys } from '../../src/crypto/fake.js'
import { CLUSTER_ID, type Flight, type PbftCluster } from './pbft-cluster.js'

type Lie = (flight: Flight, liars: Liars) => readonly Flight[]

const FAR = 1_000_000
const REPLAYED_MAX = 64

export const LIES = {
  silent: () => [],
  'selectively silent': (flight) => (isOdd(flight.to) ? [] : [flight]),
  'two batches for one index': (flight, liars) => [
    changed(flight, (m) => liars.twofold(m, flight)),
  ],
  'wrong digest': (flight) => [
    changed(flight, (m) =>
      m.type === 'PrePrepare'
        ? { ...m, proposed: signed({ ...m.proposed, digest: garbage(flight.to) }) }
        : m,
    ),
  ],
  'a view change that shows nothing': (flight) => [
    changed(flight, (m) => (m.type === 'ViewChange' ? signed({ ...m, prepared: [] }) : m)),
  ],
  'a new view that drops what was prepared': (flight) => [
    changed(flight, (m) =>
      m.type === 'NewView'
        ? signed({
            ...m,
            proposals: m.proposals.map((one) => signed({ ...one, digest: digestOf(null) })),
          })
        : m,
    ),
  ],
  'one view change told Q times': (flight) => [
    changed(flight, (m) => {
      const own = m.type === 'NewView' && m.viewChanges.find((one) => one.sender === m.sender)
      return m.type === 'NewView' && own
        ? signed({ ...m, viewChanges: m.viewChanges.map(() => own), proposals: [] })
        : m
    }),
  ],
  'far sequences': (flight) => [
    flight,
    changed(flight, (m) =>
      m.type === 'Prepare' || m.type === 'Commit' || m.type === 'Checkpoint'
        ? signed({ ...m, index: m.index + FAR })
        : m,
    ),
  ],
  'garbage checkpoints': (flight) => [
    changed(flight, (m) =>
      m.type === 'Checkpoint' || m.type === 'SnapshotVote'
        ? signed({ ...m, digest: garbage(flight.to) })
        : m,
    ),
  ],
  'everything again and again': (flight, liars) => liars.replayed(flight),
} satisfies { readonly [name: string]: Lie }

export type LieName = keyof typeof LIES

/** Those of one cluster; they know each other's lies. */
export class Liars {
  readonly #twins = new Map<Digest, Digest>()
  #said: Flight[] = []

  constructor(cluster: PbftCluster, ids: readonly NodeId[], name: LieName) {
    const lie: Lie = LIES[name]
    for (const id of ids) cluster.replica(id).honest = false
    cluster.tamper = (flight) =>
      ids.includes(flight.from) && !ids.includes(flight.to) ? lie(flight, this) : [flight]
  }

  /** To the odd ones another batch than to the even ones, and to each the votes that go with it. */
  twofold(m: Message, { to }: Flight): Message {
    if (!isOdd(to)) return m
    if (m.type === 'PrePrepare' && m.batch !== null) {
      const batch = { ...m.batch, time: m.batch.time + 1 }
      const digest = digestOf(batch)
      this.#twins.set(m.proposed.digest, digest)
      return { ...m, batch, proposed: signed({ ...m.proposed, digest }) }
    }
    if (m.type !== 'Prepare' && m.type !== 'Commit') return m
    return signed({ ...m, digest: this.#twins.get(m.digest) ?? m.digest })
  }

  replayed(flight: Flight): readonly Flight[] {
    const again = this.#said.filter((one) => one.to === flight.to).slice(0, 3)
    this.#said = [...this.#said, flight].slice(-REPLAYED_MAX)
    return [flight, flight, ...again]
  }
}

function changed(flight: Flight, change: (message: Message) => Message): Flight {
  return { ...flight, message: change(flight.message) }
}

function isOdd(id: NodeId): boolean {
  return Number(id.slice(1)) % 2 === 1
}

function garbage(salt: string): Digest {
  return toHex(fakeKeys('').digest(utf8Encode(`garbage ${salt}`)))
}

function digestOf(batch: Batch | null): Digest {
  return toHex(fakeKeys('').digest(hashedBytes(CLUSTER_ID, batch)))
}

function signed<S extends Statement>(statement: S): S {
  const signature = fakeKeys(statement.sender).sign(signedBytes(CLUSTER_ID, statement))
  return { ...statement, signature }
}
