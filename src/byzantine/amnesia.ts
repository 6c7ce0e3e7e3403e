/** At each start it has forgotten what it promised: what it accepted and prepared, and which views it left. */
import type { WalRecord } from '../consensus/pbft/index.js'
import type { Behaviour } from './liar.js'

/** What it executed it can have again from the others. */
const REMEMBERED: ReadonlySet<WalRecord['type']> = new Set([
  'Bootstrap',
  'Stable',
  'SnapshotTaken',
  'SnapshotInstalled',
])

export const amnesia = (): Behaviour => ({
  records: (records) =>
    records.flatMap((record): WalRecord[] => {
      if (record.type !== 'State') return REMEMBERED.has(record.type) ? [record] : []
      return [{ ...record, view: 0, active: true, newView: null, viewChange: null }]
    }),
})
