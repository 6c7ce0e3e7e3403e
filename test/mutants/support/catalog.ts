/** All mutants of a folder: one a file, named by it. */
import { readdirSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import type { Mutant, Named } from './mutant.js'

const FILE = /^([a-z0-9]+(?:-[a-z0-9]+)*)\.(?:js|ts)$/

export async function loadMutants(dir: string): Promise<Named[]> {
  const mutants: Named[] = []
  for (const file of readdirSync(dir).sort()) {
    const name = FILE.exec(file)?.[1]
    if (name === undefined) continue
    const loaded = (await import(pathToFileURL(`${dir}/${file}`).href)) as { mutant?: Mutant }
    if (loaded.mutant === undefined) throw new Error(`${file} exports no mutant`)
    mutants.push({ name, ...loaded.mutant })
  }
  return mutants
}
