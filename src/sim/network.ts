/**
 * The network between the nodes: directed links that lose, repeat, delay, replay and corrupt bytes. What a link
 * carries is a frame with a checksum, as on the real stream, so a flipped bit must never reach a decoder.
 *
 * Each link draws from a generator of its own, once a message whatever becomes of it: all that is decided about the
 * message follows from that draw, so a fault that is muted shifts nothing on the link.
 */
import { crc32c } from '../base/crc32c.js'
import { nextUint32 } from '../base/random.js'
import type { NodeId } from '../consensus/ids.js'
import type { FaultCounts, FaultKind } from './faults.js'
import { messageKey } from './kept.js'
import {
  isMuted,
  type Link,
  type LinkFaults,
  Links,
  type LinkWindow,
  NO_LINK_FAULTS,
} from './network/link.js'
import { derived } from './streams.js'
import { spread, type World } from './world.js'

export { type LinkFaults, type LinkWindow, NO_LINK_FAULTS } from './network/link.js'

const LATENCY_MS_MIN = 0.1
/** A replay comes at least so much later. */
const REPLAY_MS_MIN = 50
/** The decisions that follow from a message's draw. Each copy has room for as many of its own. */
const PART = {
  lost: 1,
  duplicated: 2,
  replayed: 3,
  replayMs: 4,
  latency: 5,
  delayed: 6,
  delayMs: 7,
  flipped: 8,
  bit: 9,
  burst: 10,
} as const
const PARTS_PER_COPY = 16
/** Of what is corrupted: how often a stretch of bytes is lost to noise, and not one bit. */
const BURST_CHANCE = 0.25
const BURST_BYTES_MAX = 16

interface Frame {
  readonly link: Link
  /** Its place among the messages of the link. */
  readonly n: number
  readonly bytes: Uint8Array
  /** Of a corrupted one: what its bytes ought to have. Null: they are as they were sent. */
  readonly checksum: number | null
  /** Null: it comes from elsewhere, whatever became of the connection. */
  readonly connection: number | null
  readonly deliver: (bytes: Uint8Array) => void
}

export interface NetworkOptions {
  readonly mutedWindows?: readonly LinkWindow[]
  /** Only these messages suffer anything; null: any may. */
  readonly kept?: ReadonlySet<string> | null
  /** False lets corrupted frames through: for tests that show that it matters. */
  readonly verifies?: boolean
}

export class Network {
  readonly #world: World
  readonly #counts: FaultCounts
  readonly #latencyMs: number
  readonly #links: Links
  readonly #mutedWindows: readonly LinkWindow[]
  readonly #verifies: boolean
  readonly #kept: ReadonlySet<string> | null
  /** Of the messages that suffered something; null: nobody wants to know. */
  #struck: Set<string> | null = null
  #blockedLinks = 0
  faults: LinkFaults

  constructor(
    world: World,
    counts: FaultCounts,
    latencyMs: number,
    faults: LinkFaults,
    options: NetworkOptions = {},
  ) {
    this.#world = world
    this.#counts = counts
    this.#latencyMs = latencyMs
    this.#links = new Links(world.seed)
    this.#mutedWindows = options.mutedWindows ?? []
    this.#verifies = options.verifies ?? true
    this.#kept = options.kept ?? null
    this.faults = faults
  }

  /** Names from now on which messages suffer something. */
  recordStruck(): ReadonlySet<string> {
    this.#struck ??= new Set()
    return this.#struck
  }

  isBlocked(from: NodeId, to: NodeId): boolean {
    return this.#links.of(from, to).blocked
  }

  block(from: NodeId, to: NodeId): void {
    const link = this.#links.of(from, to)
    if (!link.blocked) this.#blockedLinks++
    link.blocked = true
  }

  /** No link is blocked any more. */
  heal(): void {
    for (const link of this.#links.all()) link.blocked = false
    this.#blockedLinks = 0
  }

  get isPartitioned(): boolean {
    return this.#blockedLinks > 0
  }

  /** Delivers nothing for so long, then all that came meanwhile. */
  clog(from: NodeId, to: NodeId, ms: number): void {
    const link = this.#links.of(from, to)
    // Whole, as an event that waits for less than the clock can tell would wait for ever.
    link.cloggedUntilMs = Math.max(link.cloggedUntilMs, Math.ceil(this.#world.now + ms))
  }

  /** What is held back is delivered now. */
  unclog(): void {
    for (const link of this.#links.all()) link.cloggedUntilMs = 0
  }

  /** All that is on its way between the two is lost, both ways. */
  reset(a: NodeId, b: NodeId): void {
    this.#links.of(a, b).connection++
    this.#links.of(b, a).connection++
  }

  /** `deliver` runs once for each copy that arrives whole. */
  send(from: NodeId, to: NodeId, bytes: Uint8Array, deliver: (bytes: Uint8Array) => void): void {
    const link = this.#links.of(from, to)
    const draw = nextUint32(link.random)
    const n = link.sent++
    if (link.blocked) return
    const faults = this.#faultsOn(link, n)
    if (happens(draw, PART.lost, faults.lost)) {
      this.#strike('message-lost', link, n)
      return
    }
    const { connection } = link
    const frame: Frame = { link, n, bytes, checksum: null, connection, deliver }
    this.#carry(frame, faults, draw, 0)
    if (happens(draw, PART.duplicated, faults.duplicated)) {
      this.#strike('message-duplicated', link, n)
      this.#carry(frame, faults, draw, 1)
    }
    if (happens(draw, PART.replayed, faults.replayed)) {
      const ms = REPLAY_MS_MIN + fraction(derived(draw, PART.replayMs)) * faults.replayMsMax
      this.#world.after(ms, () => {
        // A network that is well repeats nothing any more.
        if (this.faults === NO_LINK_FAULTS) return
        this.#strike('message-replayed', link, n)
        this.#arrive({ ...frame, connection: null })
      })
    }
  }

  #strike(kind: FaultKind, link: Link, n: number): void {
    this.#counts.add(kind)
    this.#struck?.add(messageKey(link, n))
  }

  #faultsOn(link: Link, n: number): LinkFaults {
    const { faults } = this
    if (this.#kept?.has(messageKey(link, n)) === false) return NO_LINK_FAULTS
    if (this.#mutedWindows.length === 0 || faults === NO_LINK_FAULTS) return faults
    return isMuted(this.#mutedWindows, link, this.#world.now) ? NO_LINK_FAULTS : faults
  }

  #carry(frame: Frame, faults: LinkFaults, draw: number, copy: number): void {
    const part = copy * PARTS_PER_COPY
    let ms = LATENCY_MS_MIN + spread(derived(draw, part + PART.latency), this.#latencyMs)
    if (happens(draw, part + PART.delayed, faults.delayed)) {
      this.#strike('message-delayed', frame.link, frame.n)
      ms += spread(derived(draw, part + PART.delayMs), faults.delayMsMean)
    }
    let carried = frame
    if (frame.bytes.length > 0 && happens(draw, part + PART.flipped, faults.flipped)) {
      this.#strike('message-flipped', frame.link, frame.n)
      const bytes = corrupted(frame.bytes, draw, part)
      carried = { ...frame, bytes, checksum: crc32c(frame.bytes) }
    }
    this.#world.after(ms, () => this.#arrive(carried))
  }

  #arrive(frame: Frame): void {
    const { link, connection, checksum } = frame
    // A partition and a reset also take what is under way.
    if (link.blocked) return
    if (connection !== null && connection !== link.connection) return
    const waitMs = link.cloggedUntilMs - this.#world.now
    if (waitMs > 0) {
      this.#world.after(waitMs, () => this.#arrive(frame))
      return
    }
    if (checksum !== null && this.#verifies && crc32c(frame.bytes) !== checksum) return
    frame.deliver(frame.bytes)
  }
}

function happens(draw: number, part: number, p: number): boolean {
  return p > 0 && fraction(derived(draw, part)) < p
}

function fraction(draw: number): number {
  return draw / 0x1_0000_0000
}

/** One bit, or a burst of noise. */
function corrupted(sent: Uint8Array, draw: number, part: number): Uint8Array {
  const bytes = sent.slice()
  const bit = derived(draw, part + PART.bit) % (8 * bytes.length)
  const at = bit >> 3
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7))
  if (!happens(draw, part + PART.burst, BURST_CHANCE)) return bytes
  const end = Math.min(bytes.length, at + BURST_BYTES_MAX)
  for (let i = at + 1; i < end; i++) bytes[i] = (bytes[i] ?? 0) ^ (derived(draw, i) & 0xff)
  return bytes
}
