/** Looks at each step of each honest replica and counts the situations of the table that it passes through. */
import type { Effect, Entry, Input } from '../../consensus/contract.js'
import type { Index, NodeId } from '../../consensus/ids.js'
import type { Message, Pbft, WalRecord } from '../../consensus/pbft/index.js'
import type { NewView } from '../../consensus/pbft/messages.js'
import { quorum } from '../../consensus/pbft/quorum.js'
import { highWatermark, isPrimary, type State } from '../../consensus/pbft/state.js'
import { type Mark, NOTED } from './pbft-table.js'

const MANY_EXECUTED = 5
const MANY_BATCHES = 3
const MANY_REQUESTS = 8
const HIGH_VIEW = 10

/** What of a replica the next step is held against. */
interface Before {
  view: number
  active: boolean
  stable: Index
  lastExecuted: Index
  persistedBatch: number
  requestTicks: number
  primary: boolean
}

export class PbftMarks {
  readonly counts = new Map<Mark, number>()
  readonly #replicas = new Map<NodeId, Before>()
  /** By session and seq: the view in which it was executed first. */
  readonly #ordered = new Map<string, number>()
  #orderedThrough: Index = 0

  started(id: NodeId, core: Pbft): void {
    const s = core.state
    this.#replicas.set(id, remembered(s))
    if (s.snapshot !== null) this.#hit('restarted-from-a-snapshot')
    if (!s.active) this.#hit('restarted-between-views')
    if (s.primary !== null && s.slots.size > 0) this.#hit('restarted-as-primary')
    let prepared = false
    let voted = false
    for (const slot of s.slots.values()) {
      if (slot.prepared !== null && !slot.executed) prepared = true
      if (slot.prepares.has(id) || slot.commits.get(id)?.view === s.view) voted = true
    }
    if (prepared) this.#hit('restarted-with-prepared')
    if (voted) this.#hit('restarted-with-votes')
  }

  stepped(
    id: NodeId,
    core: Pbft,
    input: Input<Message>,
    effects: readonly Effect<Message, WalRecord>[],
  ): void {
    const before = this.#replicas.get(id)
    if (before === undefined) return
    const s = core.state
    if (input.type === 'Receive') this.#received(before, s, input.message)
    else if (input.type === 'Persisted' && input.batch - before.persistedBatch >= MANY_BATCHES)
      this.#hit('group-commit')
    for (const effect of effects) this.#effect(before, s, effect)
    this.#changed(before, s)
    update(before, s)
  }

  /** A vote left that had left before the replica's last start. */
  saidAgain(): void {
    this.#hit('vote-said-again')
  }

  #changed(before: Before, s: State): void {
    const executed = s.lastExecuted - before.lastExecuted
    if (executed >= MANY_EXECUTED) this.#hit('executed-many')
    if (executed > 0 && !s.active) this.#hit('executed-between-views')
    if (s.view >= HIGH_VIEW && before.view < HIGH_VIEW) this.#hit('high-view')
    if (before.active && !s.active && before.primary) this.#hit('left-as-primary')
    const { viewChangeTicksMax } = s.options
    if (s.requestTicks > before.requestTicks && s.requestTicks === viewChangeTicksMax)
      this.#hit('patience-at-its-end')
    if (s.requestTicks < before.requestTicks) this.#hit('patience-restored')
    const p = s.primary
    if (p === null || p.queue.length === 0) return
    if (p.lastProposed + 1 > highWatermark(s)) this.#hit('window-full')
    else this.#hit('pipeline-full')
  }

  #received(before: Before, s: State, m: Message): void {
    switch (m.type) {
      case 'Prepare':
      case 'Commit': {
        const slot = s.slots.get(m.index)
        if (slot === undefined) return
        if (m.view > before.view || (m.view === before.view && !before.active))
          this.#hit('vote-of-a-later-view')
        else if (m.view === before.view && slot.proposed === null) this.#hit('vote-before-proposal')
        return
      }
      case 'Checkpoint':
        if (m.index <= s.lastExecuted) return
        if ((s.checkpoints.get(m.index)?.size ?? 0) >= quorum(s.replicas.length))
          this.#hit('stable-ahead')
        return
      case 'StableCheckpoint':
        if (s.stable.index > before.stable) this.#hit('stable-by-proof')
        return
      case 'NewView':
        if (s.newView === m) this.#entered(before, m)
    }
  }

  #entered(before: Before, m: NewView): void {
    if (m.view >= before.view + 2) this.#hit('new-view-two-ahead')
    if (m.view > before.view) this.#hit('new-view-untold')
    if (m.proposals.length === 0) this.#hit('new-view-of-nothing')
    const shown = new Map<Index, number>()
    let twice = false
    for (const { prepared } of m.viewChanges)
      for (const { proposed } of prepared) {
        const known = shown.get(proposed.index)
        if (known !== undefined && known !== proposed.view) twice = true
        shown.set(proposed.index, proposed.view)
      }
    if (twice) this.#hit('certificates-of-two-views')
    for (const { index } of m.proposals) {
      if (!shown.has(index)) this.#hit('null-filled')
      else
        this.#hit(index > before.lastExecuted ? 'prepared-carried-over' : 'executed-proposed-again')
    }
    if (m.viewChanges.some(({ stable }) => stable > before.stable)) this.#hit('new-view-moves-h')
  }

  #effect(before: Before, s: State, effect: Effect<Message, WalRecord>): void {
    switch (effect.type) {
      case 'Note': {
        const { event, index = 0 } = effect.note
        if (Object.hasOwn(NOTED, event)) this.#hit(event as Mark)
        if (event !== 'committed') return
        if (index > before.lastExecuted + 1) this.#hit('committed-out-of-order')
        if (s.slots.get(index)?.prepared === null) this.#hit('committed-unprepared')
        return
      }
      case 'Persist':
        for (const record of effect.records)
          if (record.type === 'ViewChangeSaid' && record.viewChange.prepared.length > 0)
            this.#hit('left-with-prepared')
        return
      case 'Apply':
        for (const entry of effect.entries) this.#ordering(s.view, entry)
        return
    }
  }

  /** Once for each index: by the replica that executes it first. */
  #ordering(view: number, entry: Entry): void {
    if (entry.index <= this.#orderedThrough) return
    this.#orderedThrough = entry.index
    if (entry.requests.length >= MANY_REQUESTS) this.#hit('batch-of-many')
    for (const { session, seq, readOnly } of entry.requests) {
      if (readOnly === true) this.#hit('read-ordered')
      const key = `${session}:${seq}`
      const first = this.#ordered.get(key)
      if (first === undefined) this.#ordered.set(key, view)
      else this.#hit(first === view ? 'request-ordered-twice' : 'retry-across-views')
    }
  }

  #hit(mark: Mark): void {
    this.counts.set(mark, (this.counts.get(mark) ?? 0) + 1)
  }
}

function remembered(s: State): Before {
  return {
    view: s.view,
    active: s.active,
    stable: s.stable.index,
    lastExecuted: s.lastExecuted,
    persistedBatch: s.persistedBatch,
    requestTicks: s.requestTicks,
    primary: isPrimary(s),
  }
}

/** In place: this runs after every step. */
function update(before: Before, s: State): void {
  before.view = s.view
  before.active = s.active
  before.stable = s.stable.index
  before.lastExecuted = s.lastExecuted
  before.persistedBatch = s.persistedBatch
  before.requestTicks = s.requestTicks
  before.primary = isPrimary(s)
}
