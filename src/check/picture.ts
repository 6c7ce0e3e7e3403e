/**
 * A violation as one HTML page without scripts: a row for each process, a bar for each operation, the order of the
 * longest explanation as a line through the bars, and in red where it ends.
 */
import type { Counterexample } from './counterexample.js'
import type { Operation } from './history.js'
import { escapeHtml } from './html.js'
import { drawTimeline } from './picture-timeline.js'
import { counterexampleRows, counterexampleWords } from './report.js'

/** Operations drawn around the counterexample. */
const SURROUNDINGS_MAX = 80

export interface PictureOptions {
  readonly title: string
  /** One line below it: what was checked, and how. */
  readonly subtitle: string
}

export function pictureOf(counterexample: Counterexample, options: PictureOptions): string {
  const { operations, longest, next } = counterexample
  const marks = {
    order: longest,
    wrong: new Map(next.map(({ id, why }) => [id, why])),
    dim: new Set<number>(),
  }
  const around = surroundings(counterexample)
  const inIt = new Set(operations.map(({ id }) => id))
  const dim = new Set(around.filter(({ id }) => !inIt.has(id)).map(({ id }) => id))
  const words = counterexampleWords(counterexample).map((line) => `<p>${escapeHtml(line)}</p>`)
  const [head = [], ...rows] = counterexampleRows(counterexample)
  const cells = (tag: string, row: readonly string[]) =>
    `<tr>${row.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`
  const wider =
    around.length > operations.length
      ? `<h2>What else was under way</h2><p>${around.length} operations on the same key under way at the same time, the latest of them; those that the failure does not need are pale.</p>${drawTimeline(around, { ...marks, dim })}`
      : ''
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(options.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(options.title)}</h1>
<p class="sub">${escapeHtml(options.subtitle)}</p>
<h2>The smallest part that fails</h2>
${words.join('\n')}
${drawTimeline(operations, marks)}
<p class="legend"><span class="ok"></span> answered <span class="info"></span> outcome unknown <span class="bad"></span> cannot be next <span class="way"></span> the longest order that explains some of them. Each bar goes from question to answer; time runs to the right, one step an event. Point at a bar for its details.</p>
<div class="scroll"><table>${cells('th', head)}${rows.map((row) => cells('td', row)).join('')}</table></div>
${wider}
</body>
</html>
`
}

/** What overlaps the counterexample in time, the nearest to its end first. */
function surroundings({ operations, surroundings: all }: Counterexample): Operation[] {
  const inIt = new Set(operations.map(({ id }) => id))
  const ends = operations.map(({ invokedAt, completedAt }) =>
    Number.isFinite(completedAt) ? completedAt : invokedAt,
  )
  const from = Math.min(...operations.map(({ invokedAt }) => invokedAt))
  const to = Math.max(...ends)
  const others = all
    .filter(
      ({ id, invokedAt, completedAt }) => !inIt.has(id) && invokedAt <= to && completedAt >= from,
    )
    .sort((a, b) => b.invokedAt - a.invokedAt)
    .slice(0, Math.max(0, SURROUNDINGS_MAX - operations.length))
  return [...operations, ...others].sort((a, b) => a.invokedAt - b.invokedAt)
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1d2733; --soft: #66717f; --line: #d8dee6; --ok: #cfe3f7; --info: #f3e6bf; --fail: #e4e4e4; --bad: #c62828; --way: #1565c0; --paper: #fff }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e8ee; --soft: #97a3b1; --line: #35404d; --ok: #24476b; --info: #5a4a1c; --fail: #3d3d3d; --bad: #ff6b6b; --way: #7ab8ff; --paper: #151b22 } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 1200px; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem } p { margin: .3rem 0 } .sub, .legend { color: var(--soft) }
.scroll { overflow-x: auto } table { border-collapse: collapse; margin-top: 1rem; font-size: 13px } td, th { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid var(--line); white-space: nowrap }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink) } svg .soft { fill: var(--soft) } svg .row { stroke: var(--line) }
svg .ok { fill: var(--ok) } svg .info { fill: var(--info) } svg .fail { fill: var(--fail) } svg .bar { stroke: var(--soft); stroke-width: .6 } svg .bad { stroke: var(--bad); stroke-width: 2.5 } svg .why { fill: var(--bad); font-weight: 600 } svg .way { fill: none; stroke: var(--way); stroke-width: 1.5; stroke-dasharray: 4 3 } svg .dot { fill: var(--way) } svg .number { fill: var(--paper); font-size: 10px; font-weight: 600; text-anchor: middle } svg .pale { opacity: .35 }
.legend span { display: inline-block; width: 1.1em; height: .8em; margin: 0 .2em 0 .8em; border: 1px solid var(--soft) } .legend .ok { background: var(--ok); margin-left: 0 } .legend .info { background: var(--info) } .legend .bad { border: 2px solid var(--bad) } .legend .way { height: 0; border: 0; border-top: 2px dashed var(--way); vertical-align: middle }
`
