/**
 * What a seed draws: the shape of the cluster, its tuning, the load, and which kinds of fault strike how hard. Each
 * kind is in with even chances, so that some seeds are wild and others lose nothing but one kind of message; a
 * tenth is free of faults, to catch false alarms.
 */
import { chance, nextInt, pick, type RandomState, seededRandom } from '../base/random.js'
import type { LiarKind } from '../byzantine/index.js'
import type { NodeId } from '../consensus/ids.js'
import { SESSION_IDLE_MS_MAX } from '../machine/sessions.js'
import type { FaultKind } from './faults.js'
import { FAULT_KINDS, liarKindOf } from './faults.js'
import { ALL_KEPT, type Kept } from './kept.js'
import type { LinkFaults, LinkWindow } from './network.js'
import type { WorkloadOptions } from './workload.js'

export interface SwarmOptions {
  readonly faultFree: boolean
  /** Damage may hit the last good copy: nodes may refuse to start, and nothing may be wrong all the same. */
  readonly hopeless: boolean
  readonly kinds: ReadonlySet<FaultKind>
  /** Who lies and how; null: drawn from the kinds, up to f of them. */
  readonly liars: ReadonlyMap<NodeId, LiarKind> | null
  /** Who lies about the parts of snapshots that others fetch; not drawn, but asked for. */
  readonly lyingSources: ReadonlySet<NodeId>
  readonly nodes: number
  readonly tickMs: number
  readonly electionTicks: number
  readonly heartbeatTicks: number
  readonly snapshotEntries: number
  readonly keepEntries: number
  readonly segmentBytes: number
  /** A node's clock runs so much faster or slower, of one. */
  readonly clockDriftMax: number
  readonly latencyMs: number
  readonly syncMs: number
  readonly applyMs: number
  readonly link: LinkFaults
  readonly nemesisMsMean: number
  readonly outageMsMax: number
  readonly turnMessagesMax: number
  readonly entryRequestsMax: number
  readonly appendEntriesMax: number
  readonly inflightMessagesMax: number
  /** Nodes hand on to the leader what clients ask of them, instead of naming it. */
  readonly forwards: boolean
  /** A client's session that is silent for so long expires (agreed ms). */
  readonly sessionIdleMs: number
  readonly workload: WorkloadOptions
  readonly operationsMin: number
  /** By their ordinals: drawn, and not carried out. For shrinking. */
  readonly mutedStrikes: ReadonlySet<number>
  /** When messages suffer nothing. For shrinking. */
  readonly mutedLinkWindows: readonly LinkWindow[]
  /** Event by event. For shrinking. */
  readonly kept: Kept
}

const FAULT_FREE_SHARE = 0.1
const FORWARDING_SHARE = 0.3
/** Of the seeds: damage may hit the last good copy. */
const HOPELESS_SHARE = 0.02
const DAMAGES: ReadonlySet<FaultKind> = new Set<FaultKind>([
  'bit-rot',
  'stale-sector',
  'misdirected-write',
  'snapshot-rot',
])
/** Below it nobody can spare a copy. */
const NODES_MIN_FOR_DAMAGE = 3
const OUTAGES: readonly FaultKind[] = [
  'process-killed',
  'power-lost',
  'power-lost-everywhere',
  'paused',
]

export function drawSwarm(seed: number): SwarmOptions {
  const r = seededRandom(seed * 2 + 1)
  const faultFree = chance(r, FAULT_FREE_SHARE)
  const hopeless = !faultFree && chance(r, HOPELESS_SHARE)
  const nodes = pick(r, [1, 2, 3, 3, 3, 3, 3, 3, 3, 4, 4, 5, 5, 5, 5, 7])
  const kinds = new Set<FaultKind>()
  if (!faultFree) {
    for (const kind of FAULT_KINDS)
      if (liarKindOf(kind) === null && chance(r, 0.5) && mayDraw(kind, nodes, hopeless))
        kinds.add(kind)
    // Never a seed without any outage, be the cluster a single node.
    if (!OUTAGES.some((kind) => kinds.has(kind))) kinds.add('process-killed')
  }
  const tickMs = pick(r, [20, 30, 40])
  const electionTicks = nextInt(r, 8, 25)
  return {
    faultFree,
    hopeless,
    kinds,
    liars: null,
    lyingSources: new Set(),
    nodes,
    tickMs,
    electionTicks,
    heartbeatTicks: nextInt(r, 1, Math.floor(electionTicks / 4)),
    snapshotEntries: pick(r, [5, 10, 20, 50, 100, 1_000]),
    keepEntries: pick(r, [0, 1, 5, 20, 100]),
    segmentBytes: pick(r, [4_096, 6_144, 8_192]),
    clockDriftMax: faultFree ? 0 : pick(r, [0, 0, 0.02, 0.1]),
    latencyMs: pick(r, [0.2, 1, 5, 15]),
    syncMs: pick(r, [0.2, 1, 5]),
    applyMs: pick(r, [0.01, 0.1, 1]),
    link: drawLink(r),
    nemesisMsMean: pick(r, [150, 300, 600]),
    outageMsMax: pick(r, [300, 1_000, 3_000]),
    turnMessagesMax: pick(r, [1, 4, 1_024]),
    entryRequestsMax: pick(r, [1, 3, 4_096]),
    appendEntriesMax: pick(r, [1, 3, 1_024]),
    inflightMessagesMax: pick(r, [1, 2, 8, 24]),
    sessionIdleMs: pick(r, [1_000, 3_000, 10_000, SESSION_IDLE_MS_MAX]),
    workload: drawWorkload(r),
    operationsMin: nextInt(r, 320, 500),
    forwards: chance(r, FORWARDING_SHARE),
    mutedStrikes: new Set(),
    mutedLinkWindows: [],
    kept: ALL_KEPT,
  }
}

function mayDraw(kind: FaultKind, nodes: number, hopeless: boolean): boolean {
  if (!DAMAGES.has(kind)) return true
  return hopeless || nodes >= NODES_MIN_FOR_DAMAGE
}

/** How strong each kind would be; only those in `kinds` strike. */
export function masked(swarm: SwarmOptions): SwarmOptions {
  const { kinds, link, workload } = swarm
  const rate = (kind: FaultKind, drawn: number) => (kinds.has(kind) ? drawn : 0)
  return {
    ...swarm,
    link: {
      ...link,
      lost: rate('message-lost', link.lost),
      duplicated: rate('message-duplicated', link.duplicated),
      replayed: rate('message-replayed', link.replayed),
      delayed: rate('message-delayed', link.delayed),
      flipped: rate('message-flipped', link.flipped),
    },
    workload: {
      ...workload,
      requestLost: rate('reply-lost', workload.requestLost),
      replyLost: rate('reply-lost', workload.replyLost),
      requestStrayed: rate('request-strayed', workload.requestStrayed),
      requestLate: rate('request-late', workload.requestLate),
      requestTwice: rate('request-twice', workload.requestTwice),
      replyLate: rate('reply-late', workload.replyLate),
      replyTwice: rate('reply-twice', workload.replyTwice),
    },
  }
}

function drawLink(r: RandomState): LinkFaults {
  return {
    lost: pick(r, [0.01, 0.05, 0.2, 0.3]),
    duplicated: pick(r, [0.01, 0.1, 0.5]),
    replayed: pick(r, [0.01, 0.05, 0.2]),
    replayMsMax: pick(r, [200, 2_000, 20_000, 180_000]),
    delayed: pick(r, [0.02, 0.1, 0.3]),
    delayMsMean: pick(r, [5, 30, 100, 300]),
    flipped: pick(r, [0.01, 0.05]),
  }
}

function drawWorkload(r: RandomState): WorkloadOptions {
  const lossy = pick(r, [0.01, 0.05, 0.2])
  return {
    clients: nextInt(r, 3, 7),
    registers: nextInt(r, 2, 6),
    lists: nextInt(r, 1, 2),
    readShare: pick(r, [0.1, 0.3, 0.6]),
    listShare: pick(r, [0.2, 0.5]),
    casShare: pick(r, [0, 0.3]),
    burstMax: nextInt(r, 1, 6),
    thinkMsMean: pick(r, [60, 150, 300]),
    operationMs: pick(r, [500, 2_000, 5_000]),
    attemptTimeoutMs: pick(r, [100, 300, 1_000]),
    paddingBytesMax: pick(r, [0, 40, 300]),
    clientLatencyMs: pick(r, [0.2, 2, 10]),
    requestLost: lossy,
    replyLost: lossy,
    requestStrayed: pick(r, [0.05, 0.2]),
    requestLate: pick(r, [0.02, 0.1]),
    requestTwice: pick(r, [0.02, 0.2]),
    replyLate: pick(r, [0.02, 0.1]),
    replyTwice: pick(r, [0.02, 0.2]),
    lateMsMean: pick(r, [30, 300, 1_500]),
    inflightMax: pick(r, [1, 4, 16]),
  }
}
