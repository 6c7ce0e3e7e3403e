/** One directed link: its own generator, and what it is going through. */
import type { RandomState } from '../../base/random.js'
import type { NodeId } from '../../consensus/ids.js'
import { partOf, STREAM, streamOf } from '../streams.js'

/** Chances are per message; all zero on a sane network. */
export interface LinkFaults {
  readonly lost: number
  readonly duplicated: number
  /** Delivered once more, much later: perhaps to another life of the receiver, after another of the sender. */
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

/** A stretch of time in which messages suffer nothing; of one link, or of all. */
export interface LinkWindow {
  readonly fromMs: number
  readonly toMs: number
  readonly from?: NodeId
  readonly to?: NodeId
}

export interface Link {
  readonly from: NodeId
  readonly to: NodeId
  readonly random: RandomState
  blocked: boolean
  /** Nothing arrives before; then all of it does, in its order. */
  cloggedUntilMs: number
  /** Counts its connections: what travels on an earlier one never arrives. */
  connection: number
  /** Messages sent on it so far. */
  sent: number
}

export class Links {
  readonly #seed: number
  readonly #byFrom = new Map<NodeId, Map<NodeId, Link>>()

  constructor(seed: number) {
    this.#seed = seed
  }

  of(from: NodeId, to: NodeId): Link {
    let some = this.#byFrom.get(from)
    if (some === undefined) {
      some = new Map()
      this.#byFrom.set(from, some)
    }
    let link = some.get(to)
    if (link === undefined) {
      const random = streamOf(this.#seed, STREAM.link, partOf(`${from}>${to}`))
      link = { from, to, random, blocked: false, cloggedUntilMs: 0, connection: 0, sent: 0 }
      some.set(to, link)
    }
    return link
  }

  *all(): Iterable<Link> {
    for (const some of this.#byFrom.values()) yield* some.values()
  }
}

export function isMuted(windows: readonly LinkWindow[], link: Link, nowMs: number): boolean {
  return windows.some(
    (window) =>
      nowMs >= window.fromMs &&
      nowMs < window.toMs &&
      (window.from ?? link.from) === link.from &&
      (window.to ?? link.to) === link.to,
  )
}
