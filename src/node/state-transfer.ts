/** Verified state transfer of a real node: the fetcher and the shelf between its snapshots and its peers. */
import { fromHex, toHex } from '../base/bytes.js'
import { seededRandom } from '../base/random.js'
import type { Communicator } from '../communicator/communicator.js'
import type { PartsHost } from '../communicator/types.js'
import type { SnapshotMeta } from '../consensus/contract.js'
import type { NodeId } from '../consensus/ids.js'
import type { CommunicatorPort } from '../driver/ports.js'
import { Fetcher, type FetcherLimits } from '../state-transfer/fetcher.js'
import { lieAboutParts } from '../state-transfer/lie.js'
import { Shelf } from '../state-transfer/shelf.js'
import type { Hashing } from '../state-transfer/tree.js'
import type { ByzantineKind } from './byzantine.js'
import type { Snapshots } from './snapshots.js'

const LIES_SEED = 1

export interface StateTransferSetup {
  readonly communicator: Pick<Communicator, 'send' | 'sendSnapshot' | 'askPart' | 'leaveParts'>
  readonly snapshots: Pick<Snapshots, 'openTarget' | 'openParts'>
  readonly hashing: Hashing
  readonly limits?: FetcherLimits
  /** Where the newest snapshot stands; 0: there is none. */
  newest(): number
  received(from: NodeId, snapshot: SnapshotMeta): void
  failed(from: NodeId, why: string): void
}

export class StateTransfer implements PartsHost {
  readonly #setup: StateTransferSetup
  readonly #shelf: Shelf
  readonly #fetcher: Fetcher
  #lies: ReturnType<typeof seededRandom> | null = null
  #lied = 0

  constructor(setup: StateTransferSetup) {
    this.#setup = setup
    const { communicator, snapshots, hashing } = setup
    this.#shelf = new Shelf(
      {
        newest: () => setup.newest(),
        open: (index, done) => snapshots.openParts(index, done),
        soon: setImmediate,
      },
      hashing,
    )
    this.#fetcher = new Fetcher(
      {
        own: (name, done) => this.#shelf.part(name, done),
        openTarget: (target, done) => snapshots.openTarget(target, done),
        ask: (from, snapshot, part) => communicator.askPart(from, bytesOf(snapshot), bytesOf(part)),
        leave: (from) => communicator.leaveParts(from),
        received: (from, target) => setup.received(from, target),
        after: (ms, task) => {
          // Nobody waits for it when the process ends.
          setTimeout(task, ms).unref()
        },
      },
      hashing,
      setup.limits,
    )
  }

  /** The communicator's port, with snapshots that can be fetched. */
  port(): CommunicatorPort {
    const { communicator, failed: tell } = this.#setup
    return {
      send: (to, message) => communicator.send(to, message),
      sendSnapshot: (to, snapshot, done) => communicator.sendSnapshot(to, snapshot, done),
      fetchSnapshot: (from, target, failed) =>
        this.#fetcher.fetch(from, target, (why) => {
          tell(from, why)
          failed()
        }),
    }
  }

  asked(
    snapshot: Uint8Array,
    part: Uint8Array,
    done: (told: { readonly part: Uint8Array | null } | null) => void,
  ): void {
    this.#shelf.partOf(toHex(snapshot), toHex(part), (found) => {
      if (this.#lies === null) return done({ part: found })
      this.#lied++
      done(lieAboutParts(found, this.#lies))
    })
  }

  answered(from: NodeId, part: Uint8Array, data: Uint8Array | null): void {
    this.#fetcher.answered(from, toHex(part), data)
  }

  /** Fault injection: false parts, whoever asks. */
  get byzantine(): ByzantineKind {
    return {
      kind: 'wrong-parts',
      isOn: false,
      set: (on) => {
        this.#lies = on ? seededRandom(LIES_SEED) : null
      },
      acted: () => this.#lied,
    }
  }

  /** Under the names that `status` and metrics show. */
  counters(): Map<string, number> {
    const { fetched, ours, lies } = this.#fetcher.counts
    return new Map([
      ['state_parts_fetched', fetched],
      ['state_parts_own', ours],
      ['state_lies_seen', lies],
    ])
  }

  close(): void {
    this.#fetcher.close()
    this.#shelf.close()
  }
}

function bytesOf(name: string): Uint8Array {
  return fromHex(name) ?? new Uint8Array(0)
}
