/** What a replica's disk holds of what it promised. By index and number: this is asked with every message that leaves. */
import type { Index } from '../../consensus/ids.js'
import type { WalRecord } from '../../consensus/pbft/index.js'
import type { NewView, Proposed, SlotId } from '../../consensus/pbft/messages.js'

export class Promises {
  readonly #accepted = new Map<Index, SlotId[]>()
  readonly #prepared = new Map<Index, SlotId[]>()
  /** The views that it left for, and entered. */
  readonly #left = new Set<number>()
  readonly #entered = new Set<number>()

  hasAccepted(slot: SlotId): boolean {
    return has(this.#accepted, slot)
  }

  hasPrepared(slot: SlotId): boolean {
    return has(this.#prepared, slot)
  }

  hasLeftFor(view: number): boolean {
    return this.#left.has(view)
  }

  hasEntered(view: number): boolean {
    return this.#entered.has(view)
  }

  keep(record: WalRecord): void {
    switch (record.type) {
      case 'Accepted':
        add(this.#accepted, record.proposed)
        return
      case 'Prepared':
        add(this.#prepared, record.certificate.proposed)
        return
      case 'ViewChangeSaid':
        this.#left.add(record.viewChange.view)
        return
      case 'NewViewAccepted':
        this.#enter(record.newView)
        return
      case 'State':
        if (record.viewChange !== null) this.#left.add(record.viewChange.view)
        if (record.newView !== null) this.#enter(record.newView)
        return
      default:
        return
    }
  }

  #enter({ view, proposals }: NewView): void {
    this.#entered.add(view)
    for (const proposed of proposals) add(this.#accepted, proposed)
  }
}

function has(promised: ReadonlyMap<Index, readonly SlotId[]>, slot: SlotId): boolean {
  const known = promised.get(slot.index)
  return known?.some((one) => one.view === slot.view && one.digest === slot.digest) === true
}

function add(promised: Map<Index, SlotId[]>, slot: Proposed): void {
  const known = promised.get(slot.index)
  if (known === undefined) promised.set(slot.index, [slot])
  else if (!has(promised, slot)) known.push(slot)
}
