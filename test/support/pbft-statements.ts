/** What replicas sign, made by hand: each with the key of the sender that it names. */
import type {
  Checkpoint,
  Commit,
  NewView,
  Prepare,
  PreparedCertificate,
  Proposed,
  ViewChange,
} from '../../src/consensus/pbft/messages.js'
import { signed } from './pbft-cluster.js'

export const IDS = ['n1', 'n2', 'n3', 'n4']
export const RULES = { replicas: IDS, epoch: 0, windowIndices: 8 }
export const D1 = '11'.repeat(32)
export const D2 = '22'.repeat(32)

export const proposed = (view: number, index: number, digest = D1, sender = IDS[view % 4]!) =>
  signed<Proposed>({ type: 'Proposed', view, index, digest, sender })
export const prepare = (sender: string, view: number, index: number, digest = D1) =>
  signed<Prepare>({ type: 'Prepare', view, index, digest, sender })
export const commit = (sender: string, view: number, index: number, digest: string) =>
  signed<Commit>({ type: 'Commit', view, index, digest, sender })
export const checkpoint = (sender: string, index: number, digest = D1) =>
  signed<Checkpoint>({ type: 'Checkpoint', index, digest, sender })

export function certificate(view: number, index: number, digest = D1): PreparedCertificate {
  const primary = IDS[view % 4]
  const backups = IDS.filter((id) => id !== primary).slice(0, 2)
  return {
    proposed: proposed(view, index, digest),
    prepares: backups.map((id) => prepare(id, view, index, digest)),
  }
}

export function viewChange(sender: string, view: number, of: Partial<ViewChange> = {}): ViewChange {
  const base = { stable: 0, checkpoints: [], prepared: [] }
  return signed<ViewChange>({ type: 'ViewChange', view, ...base, ...of, sender })
}

export function newView(view: number, of: Partial<NewView>): NewView {
  const base = { viewChanges: [], proposals: [] }
  return signed<NewView>({ type: 'NewView', view, ...base, ...of, sender: IDS[view % 4]! })
}
