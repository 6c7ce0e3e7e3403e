// A copy of the sources in which bugs can be planted, for scripts that look for them with something else than seeds.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

export const REPOSITORY = join(import.meta.dirname, '../..')

/** Calls `use` with the copy, and with what loads a module of test/mutants; both are gone afterwards. */
export async function withTree(use) {
  const out = mkdtempSync(join(tmpdir(), 'quorate-planting-'))
  let tree = null
  try {
    writeFileSync(join(out, 'package.json'), '{ "type": "module" }\n')
    const tsc = join(REPOSITORY, 'node_modules/typescript/bin/tsc')
    const compile = [tsc, '-p', 'test/mutants/tsconfig.json', '--outDir', out]
    const compiled = spawnSync(process.execPath, compile, { cwd: REPOSITORY, stdio: 'inherit' })
    if (compiled.status !== 0) throw new Error('test/mutants does not compile')
    const load = (file) => import(pathToFileURL(join(out, file)).href)
    const { Tree } = await load('support/tree.js')
    tree = new Tree(REPOSITORY)
    await use(tree, load)
  } finally {
    tree?.remove()
    rmSync(out, { recursive: true, force: true })
  }
}

/** All edits of a bug are of one file: the tree takes them as one. */
export function asOne({ name, file, edits }) {
  const path = join('consensus/pbft', file)
  const find = readFileSync(join(REPOSITORY, 'src', path), 'utf8')
  let replace = find
  for (const [from, to] of edits) {
    if (replace.split(from).length !== 2) throw new Error(`${name}: not once in ${file}: ${from}`)
    replace = replace.replace(from, () => to)
  }
  return { file: path, find, replace, name }
}
