/**
 * The cast of a world of PBFT: its replicas, the one that lies, and the batches that there are. Signatures are empty:
 * that nobody says what is not his to say is decided where messages are composed, in alphabet.ts.
 */
import { EMPTY, toHex } from '../../../base/bytes.js'
import type { NodeId } from '../../../consensus/ids.js'
import { hashedBytes } from '../../../consensus/pbft/encoding.js'
import { DEFAULT_OPTIONS, type Options } from '../../../consensus/pbft/index.js'
import type { Batch, Digest } from '../../../consensus/pbft/messages.js'
import { fakeKeys } from '../../../crypto/fake.js'
import { NOW_MS } from '../adapter.js'
import type { PbftWorld } from './list.js'

const CLUSTER_ID = 'worlds'
/** Farther than any of these worlds goes: no checkpoints, and nothing beyond the window. */
const CHECKPOINT_INTERVAL = 64

export interface Letter {
  readonly name: string
  readonly batch: Batch | null
  readonly digest: Digest
}

export interface Setting {
  readonly ids: readonly NodeId[]
  /** Its place among them; -1: nobody lies. */
  readonly liar: number
  /** Views 0 up to here, and indices 1 up to there. */
  readonly views: number
  readonly indices: number
  readonly options: Options
  /** What clients ask for, and in the end the null batch. */
  readonly letters: readonly Letter[]
  readonly nullLetter: Letter
}

export function settingOf(world: PbftWorld): Setting {
  const { digest } = fakeKeys('')
  const letter = (name: string, batch: Batch | null): Letter => ({
    name,
    batch,
    digest: toHex(digest(hashedBytes(CLUSTER_ID, batch))),
  })
  const batchOf = (seq: number): Batch => ({
    time: NOW_MS,
    requests: [{ session: 1, seq, ackedThrough: 0, command: Uint8Array.of(seq) }],
  })
  return {
    ids: Array.from({ length: world.replicas }, (_, i) => `n${i + 1}`),
    liar: world.liar - 1,
    views: world.views,
    indices: world.indices,
    options: {
      ...DEFAULT_OPTIONS,
      crypto: { digest, sign: () => EMPTY },
      clusterId: CLUSTER_ID,
      checkpointInterval: CHECKPOINT_INTERVAL,
      windowIndices: 2 * CHECKPOINT_INTERVAL,
      // A batch has one request: what is asked is not gathered with what is asked next.
      unpreparedIndices: DEFAULT_OPTIONS.pipelineIndices,
    },
    letters: [letter('A', batchOf(1)), letter('B', batchOf(2))],
    nullLetter: letter('null', null),
  }
}

export function nameOf(setting: Setting, digest: Digest): string {
  const all = [...setting.letters, setting.nullLetter]
  return all.find((one) => one.digest === digest)?.name ?? 'unknown'
}
