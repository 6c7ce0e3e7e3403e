/**
 * The network between the nodes: directed links that lose, repeat, delay, replay and corrupt bytes. What a link
 * carries is a frame with a checksum, as on the real stream, so a flipped bit must never reach a decoder.
 */
import { crc32c } from '../base/crc32c.js'
import type { NodeId } from '../consensus/ids.js'
import type { FaultCounts } from './faults.js'
import type { World } from './world.js'

/** Chances are per message; all zero on a sane network. */
export interface LinkFaults {
  readonly lost: number
  readonly duplicated: number
  /** Delivered once more, much later. */
  readonly replayed: number
  readonly replayMsMax: number
  /** Delivered late enough to be overtaken by others. */
  readonly delayed: number
  readonly delayMsMean: number
  readonly flipped: number
}

export const NO_LINK_FAULTS: LinkFaults = {
  lost: 0,
  duplicated: 0,
  replayed: 0,
  replayMsMax: 0,
  delayed: 0,
  delayMsMean: 0,
  flipped: 0,
}

const LATENCY_MS_MIN = 0.1

export class Network {
  readonly #world: World
  readonly #counts: FaultCounts
  readonly #latencyMs: number
  /** `from>to` of links that carry nothing. */
  readonly #blocked = new Set<string>()
  faults: LinkFaults

  constructor(world: World, counts: FaultCounts, latencyMs: number, faults: LinkFaults) {
    this.#world = world
    this.#counts = counts
    this.#latencyMs = latencyMs
    this.faults = faults
  }

  isBlocked(from: NodeId, to: NodeId): boolean {
    return this.#blocked.has(`${from}>${to}`)
  }

  block(from: NodeId, to: NodeId): void {
    this.#blocked.add(`${from}>${to}`)
  }

  heal(): void {
    this.#blocked.clear()
  }

  get isPartitioned(): boolean {
    return this.#blocked.size > 0
  }

  latency(): number {
    return LATENCY_MS_MIN + this.#world.exponential(this.#latencyMs)
  }

  /** `deliver` runs once for each copy that arrives whole. */
  send(from: NodeId, to: NodeId, bytes: Uint8Array, deliver: (bytes: Uint8Array) => void): void {
    const { faults } = this
    if (this.#blocked.size > 0 && this.isBlocked(from, to)) return
    if (this.#world.chance(faults.lost)) {
      this.#counts.add('message-lost')
      return
    }
    this.#carry(from, to, bytes, deliver, this.#delay())
    if (this.#world.chance(faults.duplicated)) {
      this.#counts.add('message-duplicated')
      this.#carry(from, to, bytes, deliver, this.#delay())
    }
    if (this.#world.chance(faults.replayed)) {
      this.#counts.add('message-replayed')
      this.#carry(from, to, bytes, deliver, this.#world.int(50, 50 + faults.replayMsMax))
    }
  }

  #delay(): number {
    if (!this.#world.chance(this.faults.delayed)) return this.latency()
    this.#counts.add('message-delayed')
    return this.latency() + this.#world.exponential(this.faults.delayMsMean)
  }

  #carry(
    from: NodeId,
    to: NodeId,
    sent: Uint8Array,
    deliver: (bytes: Uint8Array) => void,
    ms: number,
  ): void {
    const checksum = crc32c(sent)
    let bytes = sent
    if (sent.length > 0 && this.#world.chance(this.faults.flipped)) {
      this.#counts.add('message-flipped')
      bytes = sent.slice()
      const bit = this.#world.int(0, 8 * bytes.length - 1)
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    }
    this.#world.after(ms, () => {
      // A partition also cuts what is under way.
      if (this.#blocked.size > 0 && this.isBlocked(from, to)) return
      if (crc32c(bytes) !== checksum) return
      deliver(bytes)
    })
  }
}
