/** The timeline of some operations as inline SVG: rows are processes, columns the events among them. */
import type { Operation } from './history.js'
import { escapeHtml } from './html.js'
import { wordsOf } from './report.js'

export interface Marks {
  /** Ids in the order of the explanation. */
  readonly order: readonly number[]
  /** Ids of those that cannot be next, and why. */
  readonly wrong: ReadonlyMap<number, string>
  /** Ids that are drawn pale, without their words. */
  readonly dim: ReadonlySet<number>
}

const ROW = 30
const BAR = 18
const PAGE = 1190
const LEFT = 90
const RIGHT = 30
const TOP = 24
const LETTER = 6.6

export function drawTimeline(operations: readonly Operation[], marks: Marks): string {
  const processes = [...new Set(operations.map(({ process }) => process))].sort(byName)
  const row = new Map(processes.map((process, i) => [process, i]))
  const columns = columnsOf(operations)
  const step = stepOf(operations, marks, columns)
  const width = LEFT + columns.count * step + RIGHT
  const height = TOP + processes.length * ROW + 26
  const x = (at: number) => LEFT + columns.of(at) * step
  const y = (operation: Operation) => TOP + (row.get(operation.process) ?? 0) * ROW
  const out: string[] = []
  processes.forEach((process, i) => {
    const middle = TOP + i * ROW + BAR / 2
    out.push(`<line class="row" x1="${LEFT - 8}" x2="${width - 4}" y1="${middle}" y2="${middle}"/>`)
    out.push(`<text x="4" y="${middle + 4}">${escapeHtml(cut(`process ${process}`, 12))}</text>`)
  })
  for (const operation of operations) out.push(bar(operation, marks, x, y(operation), width))
  out.push(way(operations, marks, x, y))
  out.push(reason(operations, marks, x, width, height))
  return `<div class="scroll"><svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="timeline of ${operations.length} operations">${out.join('\n')}</svg></div>`
}

/** Only the events of these operations count, so that nothing is far from what matters. */
function columnsOf(operations: readonly Operation[]) {
  const times = new Set<number>()
  for (const { invokedAt, completedAt } of operations) {
    times.add(invokedAt)
    if (Number.isFinite(completedAt)) times.add(completedAt)
  }
  const sorted = [...times].sort((a, b) => a - b)
  const place = new Map(sorted.map((at, i) => [at, i]))
  return { count: sorted.length, of: (at: number) => place.get(at) ?? sorted.length }
}

/** Wide enough for the words in each bar, within reason. */
function stepOf(
  operations: readonly Operation[],
  { dim }: Marks,
  columns: { readonly count: number; of(at: number): number },
): number {
  // A picture with surroundings is to fit a page.
  if (dim.size > 0) return Math.max(4, (PAGE - LEFT - RIGHT) / Math.max(1, columns.count))
  let step = operations.length > 60 ? 7 : operations.length > 25 ? 16 : 30
  for (const operation of operations) {
    const span = columns.of(operation.completedAt) - columns.of(operation.invokedAt)
    step = Math.max(step, Math.min(90, (label(operation).length * LETTER + 26) / Math.max(1, span)))
  }
  return operations.length > 60 ? Math.min(step, 14) : Math.ceil(step)
}

function bar(
  operation: Operation,
  { dim, wrong }: Marks,
  x: (at: number) => number,
  y: number,
  width: number,
): string {
  const from = x(operation.invokedAt)
  const open = !Number.isFinite(operation.completedAt)
  const to = open ? width - 4 : x(operation.completedAt)
  const pale = dim.has(operation.id)
  const classes = ['bar', operation.outcome, ...(wrong.has(operation.id) ? ['bad'] : [])]
  const room = Math.floor((to - from - 22) / LETTER)
  const words =
    pale || room < 4
      ? ''
      : `<text x="${from + 18}" y="${y + 13}">${escapeHtml(cut(label(operation), room))}</text>`
  return `<g${pale ? ' class="pale"' : ''}><title>${escapeHtml(titleOf(operation))}</title><rect class="${classes.join(' ')}" x="${from}" y="${y}" width="${Math.max(3, to - from)}" height="${BAR}" rx="3"${open ? ' stroke-dasharray="5 3"' : ''}/>${words}</g>`
}

/**
 * The explanation: a dot for each operation in it at an instant within its bar, never before the dot before. The
 * earliest such instant is the latest invocation so far.
 */
function way(
  operations: readonly Operation[],
  { order }: Marks,
  x: (at: number) => number,
  y: (operation: Operation) => number,
): string {
  const byId = new Map(operations.map((operation) => [operation.id, operation]))
  const points: [number, number][] = []
  let latest = Number.NEGATIVE_INFINITY
  for (const id of order) {
    const operation = byId.get(id)
    if (operation === undefined) continue
    latest = Math.max(latest, operation.invokedAt)
    const last = points[points.length - 1]
    const at = x(latest) + 9
    points.push([last === undefined ? at : Math.max(at, last[0] + 2), y(operation) + BAR / 2])
  }
  const line = points.map(([a, b]) => `${a.toFixed(1)},${b}`).join(' ')
  const dots = points.map(
    ([a, b], i) =>
      `<circle class="dot" cx="${a.toFixed(1)}" cy="${b}" r="7.5"/><text class="number" x="${a.toFixed(1)}" y="${b + 3.5}">${i + 1}</text>`,
  )
  return `<polyline class="way" points="${line}"/>${dots.join('')}`
}

/** Below the rows, in red: why the first of those that would have to be next cannot. */
function reason(
  operations: readonly Operation[],
  { wrong }: Marks,
  x: (at: number) => number,
  width: number,
  height: number,
): string {
  const first = operations.find(({ id }) => wrong.has(id))
  if (first === undefined) return ''
  const words = cut(`#${first.id} ${label(first)}: ${wrong.get(first.id) ?? ''}`, 120)
  const length = words.length * LETTER
  const at = Math.max(4, Math.min(x(first.invokedAt), width - length - 8))
  return `<text class="why" x="${at}" y="${height - 6}">${escapeHtml(words)}</text>`
}

function label(operation: Operation): string {
  const { asked, answered } = wordsOf(operation)
  return answered === 'ok' ? asked : `${asked} → ${answered}`
}

function titleOf(operation: Operation): string {
  const { asked, answered } = wordsOf(operation)
  const { invoked, completed } = operation.time
  const times = invoked === null ? '' : `\ntime ${invoked} to ${completed ?? '?'}`
  const end = Number.isFinite(operation.completedAt) ? operation.completedAt : '?'
  return `#${operation.id}, process ${operation.process}\n${asked} → ${answered}\nevents ${operation.invokedAt} to ${end}${times}`
}

function cut(text: string, letters: number): string {
  return text.length <= letters ? text : `${text.slice(0, Math.max(1, letters - 1))}…`
}

function byName(a: number | string, b: number | string): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  const first = String(a)
  const second = String(b)
  return first < second ? -1 : first > second ? 1 : 0
}
