/** A diagram as one HTML page with an SVG picture: nothing is loaded, nothing runs. */
import type { Diagram, Happening } from './diagram.js'

const ROW = 26
const TOP = 56
const LEFT = 96
const COLUMN = 330
const CHAR = 6.7

const STYLE = `
body { font: 14px system-ui, sans-serif; margin: 24px; color: #1b1f24; background: #fff }
h1 { font-size: 18px } pre { background: #f4f5f7; padding: 10px; overflow-x: auto }
svg { display: block } text { font: 11px ui-monospace, Menlo, Consolas, monospace; fill: #1b1f24 }
.name { font-weight: 700; font-size: 13px } .time { fill: #6a737d } .life { stroke: #b8bfc7 }
.dead { stroke: #d9534f; stroke-dasharray: 2 5 } .arrow { stroke: #2b6cb0; fill: none }
.lost { stroke: #d9534f; stroke-dasharray: 5 4 } .head { fill: #2b6cb0 } .cross { stroke: #d9534f }
.weak { opacity: .5 } .fault { fill: #fdecea } .client { fill: #eef7ee } .failure { fill: #d9534f }
.failure-text { fill: #fff; font-weight: 700 } .dot { fill: #1b1f24 } .dot-ends { fill: #d9534f }
.dot-begins { fill: #2e8540 } .under { stroke: #fff; stroke-width: 4; paint-order: stroke }`

/** `title` and `lines` stand above the picture. */
export function diagramHtml(
  diagram: Diagram,
  { title, lines }: { readonly title: string; readonly lines: readonly string[] },
): string {
  const { nodes, happenings } = diagram
  const x = (node: string) => LEFT + 24 + nodes.indexOf(node) * COLUMN
  const widest = Math.max(0, ...happenings.map((one) => rightOf(one, x)))
  const width = Math.max(LEFT + nodes.length * COLUMN, widest + 20)
  const height = TOP + (happenings.length + 1) * ROW
  const parts = nodes.map(
    (node) => `<text class="name" x="${x(node) - 8}" y="28">${escaped(node)}</text>`,
  )
  for (const node of nodes) parts.push(lifeline(diagram, node, x(node)))
  happenings.forEach((one, row) => {
    parts.push(drawn(one, TOP + row * ROW, x, width))
  })
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title><style>${STYLE}
</style></head><body><h1>${escaped(title)}</h1>
<pre>${lines.map(escaped).join('\n')}</pre>
<svg xmlns="http://www.w3.org/2000/svg" width="${Math.ceil(width)}" height="${height}">
${parts.join('\n')}
</svg></body></html>
`
}

/** In stretches: who is dead has a dotted one. */
function lifeline({ happenings }: Diagram, node: string, x: number): string {
  const lives = happenings.flatMap((one, row) =>
    one.kind === 'local' && one.node === node && one.life !== null ? [{ row, life: one.life }] : [],
  )
  let alive = lives[0]?.life !== 'begins'
  let from = TOP - 20
  const out: string[] = []
  for (const { row, life } of [...lives, { row: happenings.length, life: 'ends' as const }]) {
    const to = TOP + row * ROW
    out.push(
      `<line class="${alive ? 'life' : 'dead'}" x1="${x}" y1="${from}" x2="${x}" y2="${to}"/>`,
    )
    alive = life === 'begins'
    from = to
  }
  return out.join('')
}

function drawn(one: Happening, y: number, x: (node: string) => number, width: number): string {
  const time = `<text class="time" x="4" y="${y + 4}">${one.atMs.toFixed(3)}</text>`
  const weak = one.weight === 1 ? ' weak' : ''
  if (one.kind === 'note') {
    const box = `<rect class="${one.tone}" x="${LEFT - 6}" y="${y - 10}" width="${width - LEFT}" height="20" rx="3"/>`
    const style = one.tone === 'failure' ? ' class="failure-text"' : ''
    return `${time}${box}<text${style} x="${LEFT}" y="${y + 4}">${escaped(one.label)}</text>`
  }
  if (one.kind === 'local') {
    const at = x(one.node)
    const dot = one.life === null ? 'dot' : `dot-${one.life}`
    return `${time}<circle class="${dot}" cx="${at}" cy="${y}" r="4"/><text class="under${weak}" x="${at + 9}" y="${y + 4}">${escaped(one.label)}</text>`
  }
  return `${time}${arrow(one, y, x, weak)}`
}

function arrow(
  one: Happening & { kind: 'message' },
  y: number,
  x: (node: string) => number,
  weak: string,
): string {
  const [a, b] = [x(one.from), x(one.to)]
  const way = Math.sign(b - a)
  const tip = one.arrived ? b - way * 2 : a + (b - a) * 0.9
  const head = one.arrived
    ? `<path class="head" d="M${tip} ${y} l${-way * 9} -4 v8 z"/>`
    : `<path class="cross" d="M${tip - 5} ${y - 5} l10 10 m0 -10 l-10 10"/>`
  const line = `<line class="${one.arrived ? 'arrow' : 'arrow lost'}" x1="${a}" y1="${y}" x2="${tip}" y2="${y}"/>`
  // Not over the cross of one that was lost on its way to the left.
  const at = Math.min(a, b) + (one.arrived ? 14 : 60)
  const text = `<text class="under${weak}" x="${at}" y="${y - 4}">${escaped(one.label)}</text>`
  return `<g class="${weak.trim()}">${line}${head}</g>${text}`
}

function rightOf(one: Happening, x: (node: string) => number): number {
  const text = one.label.length * CHAR
  if (one.kind === 'note') return LEFT + text
  return one.kind === 'local'
    ? x(one.node) + 9 + text
    : Math.min(x(one.from), x(one.to)) + 14 + text
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`)
}
