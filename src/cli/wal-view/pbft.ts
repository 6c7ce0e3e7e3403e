/** PBFT's records in words: what this replica accepted, prepared and left. Commands are the users' data: only sizes. */
import type { SnapshotMeta } from '../../consensus/contract.js'
import { pbft, type WalRecord } from '../../consensus/pbft/index.js'
import type {
  Batch,
  Checkpoint,
  NewView,
  SlotId,
  ViewChange,
} from '../../consensus/pbft/messages.js'
import type { LogWords, Shown } from './words.js'

/** Of a digest, in a line; JSON has it whole. */
const DIGEST_SHOWN = 12

export const pbftWords: LogWords = {
  protocol: 'pbft',
  decode: (payload) => pbft.decodeRecords(payload)?.map(shown) ?? null,
  lost: (shape) => {
    const lost = pbft.lost(shape)
    return lost === null ? null : shown(lost)
  },
}

function shown(record: WalRecord): Shown {
  return {
    json: { type: record.type, ...jsonOf(record) },
    line: `${record.type}${wordsOf(record)}`,
  }
}

function jsonOf(record: WalRecord): Record<string, unknown> {
  switch (record.type) {
    case 'State': {
      const { view, active, mute, checkpoints, newView, viewChange, snapshot, members } = record
      return {
        view,
        active,
        mute,
        stable: checkpointsJson(checkpoints),
        newView: newView === null ? null : newViewJson(newView),
        viewChange: viewChange === null ? null : viewChangeJson(viewChange),
        snapshot: snapshot === null ? null : snapshotJson(snapshot),
        members,
      }
    }
    case 'Bootstrap':
      return { members: record.members }
    case 'Accepted':
      return { ...slotJson(record.proposed), ...batchJson(record.batch) }
    case 'Body':
      return { index: record.index, ...batchJson(record.batch) }
    case 'Prepared': {
      const { proposed, prepares } = record.certificate
      return { ...slotJson(proposed), by: [proposed, ...prepares].map((one) => one.sender) }
    }
    case 'Committed': {
      const [first] = record.commits
      const slot = first === undefined ? {} : slotJson(first)
      return { ...slot, by: record.commits.map((one) => one.sender) }
    }
    case 'ViewChangeSaid':
      return viewChangeJson(record.viewChange)
    case 'ViewLeft':
      return { view: record.view }
    case 'NewViewAccepted':
      return newViewJson(record.newView)
    case 'Stable':
      return checkpointsJson(record.checkpoints) ?? {}
    case 'SnapshotTaken':
    case 'SnapshotInstalled':
      return { snapshot: snapshotJson(record.snapshot) }
    case 'Lost':
    case 'SnapshotLost':
      return {}
  }
}

function slotJson({ view, index, digest }: SlotId): Record<string, unknown> {
  return { view, index, digest }
}

/** Null: the null batch, which a new view puts where nothing was prepared. */
function batchJson(batch: Batch | null): Record<string, unknown> {
  if (batch === null) return { time: null, requests: [] }
  const requests = batch.requests.map((request) => ({
    session: request.session,
    seq: request.seq,
    ackedThrough: request.ackedThrough,
    readOnly: request.readOnly ?? false,
    bytes: request.command.length,
  }))
  return { time: batch.time, requests }
}

function checkpointsJson(checkpoints: readonly Checkpoint[]): Record<string, unknown> | null {
  const [first] = checkpoints
  if (first === undefined) return null
  return { index: first.index, digest: first.digest, by: checkpoints.map((one) => one.sender) }
}

function viewChangeJson(viewChange: ViewChange): Record<string, unknown> {
  const { view, stable, prepared } = viewChange
  return { view, stable, prepared: prepared.map(({ proposed }) => slotJson(proposed)) }
}

function newViewJson({ view, viewChanges, proposals }: NewView): Record<string, unknown> {
  return {
    view,
    viewChangesBy: viewChanges.map((one) => one.sender),
    proposals: proposals.map(slotJson),
  }
}

function snapshotJson({ index, time, digest, bytes }: SnapshotMeta): Record<string, unknown> {
  return { index, time, digest, bytes }
}

function wordsOf(record: WalRecord): string {
  switch (record.type) {
    case 'State': {
      const { view, active, mute, checkpoints, snapshot } = record
      const stable = checkpoints[0]?.index ?? 0
      const covered = snapshot === null ? '-' : String(snapshot.index)
      const flags = `${active ? '' : ' left'}${mute ? ' mute' : ''}`
      return ` view ${view}${flags} stable ${stable} snapshot ${covered}`
    }
    case 'Bootstrap':
      return ` ${record.members.map((member) => member.id).join(',')}`
    case 'Accepted':
      return ` ${slotWords(record.proposed)} (${batchWords(record.batch)})`
    case 'Body':
      return ` ${record.index} (${batchWords(record.batch)})`
    case 'Prepared': {
      const { proposed, prepares } = record.certificate
      return ` ${slotWords(proposed)} by ${sendersOf([proposed, ...prepares])}`
    }
    case 'Committed': {
      const [first] = record.commits
      const slot = first === undefined ? '-' : slotWords(first)
      return ` ${slot} by ${sendersOf(record.commits)}`
    }
    case 'ViewChangeSaid': {
      const { view, stable, prepared } = record.viewChange
      return ` view ${view} stable ${stable}, ${prepared.length} prepared`
    }
    case 'ViewLeft':
      return ` for view ${record.view}`
    case 'NewViewAccepted': {
      const { view, viewChanges, proposals } = record.newView
      return ` view ${view}, asked for by ${sendersOf(viewChanges)}, ${proposals.length} proposals`
    }
    case 'Stable': {
      const { checkpoints } = record
      return ` ${checkpoints[0]?.index ?? 0} by ${sendersOf(checkpoints)}`
    }
    case 'SnapshotTaken':
    case 'SnapshotInstalled':
      return ` ${record.snapshot.index} ${record.snapshot.bytes} bytes`
    case 'Lost':
    case 'SnapshotLost':
      return ''
  }
}

/** `7@2`: index 7 in view 2. */
function slotWords({ view, index, digest }: SlotId): string {
  return `${index}@${view} ${digest.slice(0, DIGEST_SHOWN)}`
}

function batchWords(batch: Batch | null): string {
  if (batch === null) return 'null batch'
  const bytes = batch.requests.reduce((sum, request) => sum + request.command.length, 0)
  return `${batch.requests.length} requests, ${bytes} bytes`
}

function sendersOf(of: readonly { readonly sender: string }[]): string {
  return of.map((one) => one.sender).join(',')
}
