/** Writes what a search found into the mutants' files and into the documentation. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Named } from './mutant.js'
import { withTable } from './table.js'

const PAGE = 'docs/reliability.md'

export function recordFound(repository: string, mutant: Named): void {
  const path = join(repository, 'test', 'mutants', `${mutant.name}.ts`)
  const caughtBy = mutant.caughtBy === null ? 'null' : `'${mutant.caughtBy}'`
  const text = readFileSync(path, 'utf8')
    .replace(/^ {2}seed: .*,$/m, `  seed: ${mutant.seed},`)
    .replace(/^ {2}caughtBy: .*,$/m, `  caughtBy: ${caughtBy},`)
    .replace(/^ {2}needsFaults: .*,$/m, `  needsFaults: ${mutant.needsFaults},`)
  writeFileSync(path, text)
}

export function recordTable(repository: string, mutants: readonly Named[]): void {
  const path = join(repository, PAGE)
  writeFileSync(path, withTable(readFileSync(path, 'utf8'), mutants))
}
