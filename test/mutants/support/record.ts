/** Writes what a search found into the mutants' files and into the documentation. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ATTACKS } from './attacks.js'
import type { Named } from './mutant.js'
import { withAttacks, withTable } from './table.js'

export function recordFound(repository: string, mutant: Named): void {
  const path = join(repository, 'test', 'mutants', `${mutant.name}.ts`)
  const caughtBy = mutant.caughtBy === null ? 'null' : `'${mutant.caughtBy}'`
  const text = readFileSync(path, 'utf8')
    .replace(/^ {2}seed: .*,$/m, `  seed: ${mutant.seed},`)
    .replace(/^ {2}caughtBy: .*,$/m, `  caughtBy: ${caughtBy},`)
    .replace(/^ {2}needsFaults: .*,$/m, `  needsFaults: ${mutant.needsFaults},`)
  writeFileSync(path, text)
}

export function recordTables(repository: string, mutants: readonly Named[]): void {
  const rewrite = (page: string, change: (text: string) => string): void => {
    const path = join(repository, page)
    writeFileSync(path, change(readFileSync(path, 'utf8')))
  }
  rewrite('docs/reliability.md', (text) => withTable(text, mutants))
  rewrite('docs/pbft.md', (text) => withAttacks(text, ATTACKS))
}
