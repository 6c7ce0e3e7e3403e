/** A table without lines: columns that a person reads and `awk` splits. */
import Table from 'cli-table3'
import colors from 'picocolors'

const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
} as const

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const grid = new Table({
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  })
  grid.push([...head].map((text) => palette().bold(text)))
  for (const row of rows) grid.push([...row])
  return grid
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

/** No colour unless stdout is a terminal, and NO_COLOR is unset. */
export function palette(): ReturnType<typeof colors.createColors> {
  const { NO_COLOR } = process.env
  return colors.createColors(
    process.stdout.isTTY === true && (NO_COLOR === undefined || NO_COLOR === ''),
  )
}
