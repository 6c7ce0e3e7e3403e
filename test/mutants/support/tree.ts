/** A copy of the sources, in a folder of its own, that carries one mutant at a time. */
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mutated, type Named } from './mutant.js'

const COPIED = ['src', 'dist', 'package.json', 'tsconfig.base.json', 'tsconfig.pure.json']
/** A mutant may leave something unused. */
const COMPILE = [
  '-p',
  'tsconfig.pure.json',
  '--noUnusedLocals',
  'false',
  '--noUnusedParameters',
  'false',
]

export class Tree {
  readonly root: string
  #planted: { readonly path: string; readonly original: string } | null = null

  constructor(repository: string) {
    this.root = mkdtempSync(join(tmpdir(), 'quorate-mutants-'))
    for (const name of COPIED) {
      const from = join(repository, name)
      if (existsSync(from)) cpSync(from, join(this.root, name), { recursive: true })
    }
    symlinkSync(join(repository, 'node_modules'), join(this.root, 'node_modules'))
    this.#build()
  }

  /** Throws when it does not fit. */
  holds(mutant: Named): void {
    this.#restore()
    mutated(readFileSync(join(this.root, 'src', mutant.file), 'utf8'), mutant)
  }

  /** Instead of the one before it. Throws when it does not fit or does not compile. */
  plant(mutant: Named): void {
    this.#restore()
    const path = join(this.root, 'src', mutant.file)
    const original = readFileSync(path, 'utf8')
    writeFileSync(path, mutated(original, mutant))
    this.#planted = { path, original }
    this.#build()
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true })
  }

  #restore(): void {
    if (this.#planted !== null) writeFileSync(this.#planted.path, this.#planted.original)
    this.#planted = null
  }

  /** Incremental: only the file that changed and what its types reach. */
  #build(): void {
    const tsc = join(this.root, 'node_modules', 'typescript', 'bin', 'tsc')
    const run = spawnSync(process.execPath, [tsc, ...COMPILE], { cwd: this.root, encoding: 'utf8' })
    if (run.status !== 0) throw new Error(`it does not compile: ${run.stdout}${run.stderr}`)
  }
}
