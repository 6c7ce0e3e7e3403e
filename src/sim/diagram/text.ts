/** A diagram as text: nodes are columns, time goes down, a message is an arrow where it arrives. */
import type { Diagram, Happening } from './diagram.js'

const TIME_WIDTH = 11
/** From one node to the next, by the number of nodes: so wide that most labels fit, and a screen does too. */
const COLUMN_WIDTHS = [36, 36, 40, 40, 30, 24]
const COLUMN_WIDTH_MIN = 20
const MARGIN = 6

export function diagramText(diagram: Diagram): string[] {
  const { nodes, leftOut } = diagram
  const columns = new Columns(nodes)
  const lines: string[] = []
  if (leftOut > 0)
    lines.push(`${''.padStart(TIME_WIDTH)}(${leftOut} lines before and between are left out)`)
  lines.push(columns.head())
  // Who lives at first is known by what it does first.
  for (const node of nodes) if (isDeadAtFirst(diagram.happenings, node)) columns.alive.delete(node)
  for (const happening of diagram.happenings) lines.push(columns.row(happening))
  return lines
}

function isDeadAtFirst(happenings: readonly Happening[], node: string): boolean {
  const first = happenings.find(
    (one) =>
      (one.kind === 'local' && one.node === node) ||
      (one.kind === 'message' && (one.from === node || one.to === node)),
  )
  return first?.kind === 'local' && first.life === 'begins'
}

class Columns {
  readonly alive: Set<string>
  readonly #nodes: readonly string[]
  readonly #width: number

  constructor(nodes: readonly string[]) {
    this.#nodes = nodes
    this.alive = new Set(nodes)
    this.#width = COLUMN_WIDTHS[nodes.length] ?? COLUMN_WIDTH_MIN
  }

  head(): string {
    const chars = this.#blank(' ')
    for (const node of this.#nodes) put(chars, this.#at(node), node)
    return ended(`${'ms'.padStart(TIME_WIDTH)}${chars.join('')}`)
  }

  row(happening: Happening): string {
    const chars = this.#lifelines()
    if (happening.kind === 'note') put(chars, 2, noteText(happening))
    else if (happening.kind === 'local') this.#local(chars, happening)
    else this.#arrow(chars, happening)
    return ended(`${happening.atMs.toFixed(3).padStart(TIME_WIDTH)}${chars.join('')}`)
  }

  #local(chars: string[], happening: Happening & { kind: 'local' }): void {
    const { node, label, life } = happening
    if (life === 'begins') this.alive.add(node)
    if (life === 'ends') this.alive.delete(node)
    const sign = life === 'ends' ? '✖' : life === 'begins' ? '▲' : '●'
    put(chars, this.#at(node), `${sign} ${label}`)
  }

  #arrow(chars: string[], happening: Happening & { kind: 'message' }): void {
    const { from, to, label, arrived } = happening
    const [a, b] = [this.#at(from), this.#at(to)]
    const [left, right] = a < b ? [a, b] : [b, a]
    for (let x = left + 1; x < right; x++) chars[x] = '─'
    const head = arrived ? (a < b ? '▶' : '◀') : '✕'
    chars[a] = a < b ? '├' : '┤'
    // What is lost does not get there.
    chars[a < b ? b - 1 : b + 1] = head
    const room = right - left - 5
    if (label.length <= room) put(chars, left + 3, ` ${label} `)
    else put(chars, right + 1, ` ${label}`)
  }

  #lifelines(): string[] {
    const chars = this.#blank(' ')
    for (const node of this.#nodes) chars[this.#at(node)] = this.alive.has(node) ? '│' : '·'
    return chars
  }

  #blank(filler: string): string[] {
    return new Array<string>(MARGIN + this.#nodes.length * this.#width).fill(filler)
  }

  #at(node: string): number {
    return MARGIN + this.#nodes.indexOf(node) * this.#width
  }
}

function noteText({ label, tone }: Happening & { kind: 'note' }): string {
  if (tone === 'failure') return `>>> ${label}`
  return tone === 'fault' ? `*** ${label}` : `~ ${label}`
}

function put(chars: string[], at: number, text: string): void {
  for (let i = 0; i < text.length; i++) chars[at + i] = text[i] ?? ' '
}

function ended(line: string): string {
  return line.trimEnd()
}
