/** Verified state transfer of one life of a simulated node: the real fetcher and shelf over the simulated network and disk. */
import { fromHex, toHex } from '../../base/bytes.js'
import type { SnapshotMeta } from '../../consensus/contract.js'
import type { Index, NodeId } from '../../consensus/ids.js'
import { PartRequest, PartResponse } from '../../gen/quorate/peer/v1/peer.js'
import { Fetcher, type FetcherLimits } from '../../state-transfer/fetcher.js'
import { Shelf } from '../../state-transfer/shelf.js'
import type { Hashing } from '../../state-transfer/tree.js'
import type { SimDisk } from '../disk.js'
import type { NodeContext } from '../node-context.js'
import type { Life } from './life.js'

type Context = NodeContext<{ readonly type: string }, unknown, unknown, never>

export interface Transferring {
  readonly id: NodeId
  readonly context: Pick<Context, 'world' | 'askPart' | 'answerPart' | 'tellsPart' | 'noted'>
  readonly disk: SimDisk
  readonly life: Life
  readonly core: { status(): { readonly snapshotIndex: Index } }
  received(from: NodeId, snapshot: SnapshotMeta): void
}

const LIMITS: FetcherLimits = {
  window: 4,
  againMs: 200,
  patienceMs: 1_000,
  turnMs: 5_000,
  keepMs: 10_000,
}
const NO_BYTES = new Uint8Array(0)

export class StateTransfer {
  readonly #node: Transferring
  readonly #shelf: Shelf
  readonly #fetcher: Fetcher

  constructor(node: Transferring, hashing: Hashing) {
    const { id, context, disk, life, core } = node
    const { world } = context
    this.#node = node
    const after = (ms: number, task: () => void) => world.after(ms, life.guarded(task))
    this.#shelf = new Shelf(
      {
        newest: () => core.status().snapshotIndex,
        open: (index, done) => disk.openSnapshot(index, done),
        soon: (task) => after(0.02, task),
      },
      hashing,
    )
    this.#fetcher = new Fetcher(
      {
        own: (name, done) => this.#shelf.part(name, done),
        openTarget: (target, done) => disk.openTarget(target, done),
        ask: (from, snapshot, part) => context.askPart(id, from, encodeRequest(snapshot, part)),
        leave: () => {},
        received: (from, target) => node.received(from, target),
        after,
      },
      hashing,
      LIMITS,
    )
  }

  fetch(from: NodeId, target: SnapshotMeta, failed: () => void): void {
    const { context, id } = this.#node
    this.#fetcher.fetch(from, target, (why) => {
      context.world.tell(() => `${id}: no state of ${from}: ${why}`)
      context.noted(`state-source-${why}`)
      failed()
    })
  }

  asked(by: NodeId, bytes: Uint8Array): void {
    const { context, id } = this.#node
    const { snapshot, part } = PartRequest.decode(bytes)
    this.#shelf.partOf(toHex(snapshot), toHex(part), (found) => {
      const told = context.tellsPart(id, found)
      if (told === null) return
      const data = told.part ?? undefined
      context.answerPart(id, by, PartResponse.encode({ part, data }).finish())
    })
  }

  answered(from: NodeId, bytes: Uint8Array): void {
    const { part, data } = PartResponse.decode(bytes)
    this.#fetcher.answered(from, toHex(part), data ?? null)
  }
}

function encodeRequest(snapshot: string, part: string): Uint8Array {
  const bytes = { snapshot: fromHex(snapshot) ?? NO_BYTES, part: fromHex(part) ?? NO_BYTES }
  return PartRequest.encode(bytes).finish()
}
