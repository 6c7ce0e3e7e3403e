/**
 * Fault injection for PBFT: a replica that has forgotten at its start what it promised (src/byzantine/amnesia.ts). A
 * switch ends with its process, and this one begins there: a file in the data directory keeps it.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LIARS } from '../byzantine/index.js'
import type { WalRecord } from '../consensus/pbft/index.js'
import type { ByzantineKind } from './byzantine.js'

const FILE = 'byzantine-amnesia'

export class Amnesia implements ByzantineKind {
  readonly kind = 'amnesia'
  readonly #path: string
  #acted = 0

  constructor(dataDir: string) {
    this.#path = join(dataDir, FILE)
  }

  get isOn(): boolean {
    return existsSync(this.#path)
  }

  set(on: boolean): void {
    if (on)
      writeFileSync(
        this.#path,
        'With --enable-fault-injection the next start forgets what this replica promised.\n',
      )
    else rmSync(this.#path, { force: true })
  }

  acted(): number {
    return this.#acted
  }

  /** What is still known of the log at a start. */
  remembered(records: readonly WalRecord[]): readonly WalRecord[] {
    if (!this.isOn) return records
    const known = LIARS.amnesia().records?.(records) ?? records
    // A log that begins has nothing to forget.
    if (known.length < records.length) this.#acted++
    return known
  }
}
