/** A diagram in Mermaid's words, for where Markdown is shown. */
import type { Diagram, Happening } from './diagram.js'

export function diagramMermaid({ nodes, happenings }: Diagram): string {
  const lines = ['sequenceDiagram', ...nodes.map((node) => `    participant ${node}`)]
  const first = nodes[0]
  const over = nodes.length > 1 ? `${first},${nodes.at(-1)}` : `${first}`
  for (const happening of happenings) lines.push(`    ${words(happening, over)}`)
  return `${lines.join('\n')}\n`
}

function words(happening: Happening, over: string): string {
  const told = `${happening.atMs.toFixed(1)} ${escaped(happening.label)}`
  switch (happening.kind) {
    case 'message':
      return `${happening.from}${happening.arrived ? '->>' : '-x'}${happening.to}: ${told}`
    case 'local':
      return `Note over ${happening.node}: ${told}`
    case 'note':
      return `Note over ${over}: ${told}`
  }
}

/** These end a statement or begin an entity. */
function escaped(text: string): string {
  return text.replace(/[#;]/g, (sign) => `#${sign.charCodeAt(0)};`).replace(/\s+/g, ' ')
}
