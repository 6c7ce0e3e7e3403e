/**
 * Reads the trace of a run, line by line, into a diagram. It may be fed millions of lines: what can no longer be among
 * the last is forgotten.
 */
import { chosen, type Diagram, type Happening, type Weight } from './diagram.js'
import { messageWords, noteWords, type Plain, plain, recordsWords } from './words.js'

/** Rows of a picture, unless told otherwise. */
export const ROWS_MAX = 46
/** Happenings that are remembered; beyond twice as many the first half goes. */
const REMEMBERED = 20_000

export class DiagramOfTrace {
  #happenings: Happening[] = []
  #forgotten = 0
  readonly #nodes = new Set<string>()
  /** What was sent and has not arrived, by the words of it: when. */
  readonly #sent = new Map<string, { atMs: number; place: Happening }[]>()

  /** One line of the trace, as `trace` of a seed's options is told it. */
  line(line: string): void {
    const match = /^ *([0-9.]+) (.*)$/s.exec(line)
    if (match === null) return
    const atMs = Number(match[1])
    const text = match[2] ?? ''
    const core = /^(\S+) ([<>]) (\{.*)$/s.exec(text)
    if (core !== null) {
      const value = plain(JSON.parse(core[3] ?? ''))
      if (value === null) return
      if (core[2] === '>') this.#input(atMs, core[1] ?? '', value)
      else this.#effect(atMs, core[1] ?? '', value)
      return
    }
    const life = /^(\S+): (starts|dies.*|refuses.*)$/s.exec(text)
    if (life !== null) {
      const label = life[2] ?? ''
      const begins = label === 'starts'
      const node = this.#node(life[1] ?? '')
      this.#add({
        kind: 'local',
        atMs,
        node,
        label,
        life: begins ? 'begins' : 'ends',
        weight: 3,
      })
      return
    }
    if (text.startsWith('nemesis: '))
      this.#add({ kind: 'note', atMs, label: text, tone: 'fault', weight: 3 })
    else if (text.startsWith('client: ')) {
      this.#add({ kind: 'note', atMs, label: clientWords(text), tone: 'client', weight: 2 })
    } else if (/^(faults end|the rest starts)/.test(text))
      this.#add({ kind: 'note', atMs, label: text, tone: 'fault', weight: 2 })
  }

  /** The run failed, or ended. */
  end(atMs: number, label: string): void {
    this.#add({ kind: 'note', atMs, label, tone: 'failure', weight: 3 })
  }

  diagram(rowsMax = ROWS_MAX): Diagram {
    const happenings = chosen(this.#happenings, rowsMax)
    const leftOut = this.#forgotten + this.#happenings.length - happenings.length
    return { nodes: [...this.#nodes].sort(), happenings, leftOut }
  }

  #input(atMs: number, node: string, input: Plain): void {
    this.#node(node)
    if (input.type === 'Persisted') this.#local(atMs, node, `batch ${input.batch} is on disk`, 1)
    const message = plain(input.message)
    if (input.type !== 'Receive' || message === null) return
    const from = this.#node(String(input.from))
    const { label, weight } = messageWords(message)
    const sent = this.#sent.get(`${from}>${node} ${label}`)
    const begun = sent?.shift()
    if (begun !== undefined) this.#remove(begun.place)
    const sentMs = begun?.atMs ?? atMs
    this.#add({ kind: 'message', atMs, sentMs, from, to: node, label, arrived: true, weight })
  }

  #effect(atMs: number, node: string, effect: Plain): void {
    this.#node(node)
    const type = effect.type
    if (type === 'Note') {
      const words = noteWords(plain(effect.note) ?? {})
      if (words !== null) this.#local(atMs, node, words.label, words.weight)
    } else if (type === 'Persist')
      this.#local(atMs, node, `${recordsWords(effect.records)} (batch ${effect.batch})`, 1)
    else if (type === 'Send') this.#send(atMs, node, effect)
    else if (type === 'SendSnapshot') this.#local(atMs, node, `snapshot for ${effect.to}`, 2)
  }

  #send(atMs: number, from: string, effect: Plain): void {
    const message = plain(effect.message)
    if (message === null) return
    const to = this.#node(String(effect.to))
    const { label, weight } = messageWords(message)
    const place: Happening = {
      kind: 'message',
      atMs,
      sentMs: atMs,
      from,
      to,
      label,
      arrived: false,
      weight,
    }
    const key = `${from}>${to} ${label}`
    const some = this.#sent.get(key)
    if (some === undefined) this.#sent.set(key, [{ atMs, place }])
    else some.push({ atMs, place })
    this.#add(place)
  }

  #local(atMs: number, node: string, label: string, weight: Weight): void {
    this.#add({ kind: 'local', atMs, node, label, life: null, weight })
  }

  #node(id: string): string {
    this.#nodes.add(id)
    return id
  }

  #add(happening: Happening): void {
    this.#happenings.push(happening)
    if (this.#happenings.length < 2 * REMEMBERED) return
    this.#forgotten += REMEMBERED
    this.#happenings = this.#happenings.slice(REMEMBERED)
    const oldest = this.#happenings[0]?.atMs ?? 0
    for (const [key, some] of this.#sent)
      if (some.every(({ atMs }) => atMs < oldest)) this.#sent.delete(key)
  }

  /** It is shown where it arrives. Mostly it was among the last. */
  #remove(place: Happening): void {
    const at = this.#happenings.lastIndexOf(place)
    if (at >= 0) this.#happenings.splice(at, 1)
  }
}

/** `client: {"type":"Write","key":1,"value":7} ok` without the quotes. */
function clientWords(text: string): string {
  return text.replace(/[{}"]/g, '').replace('type:', '').replace(/,/g, ' ')
}
