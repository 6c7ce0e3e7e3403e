import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { rerun } from '../../support/scenario-runner.js'

const FOLDER = join(import.meta.dirname, '../../../scenarios/raft')

/** With UPDATE_SCENARIOS=1 the traces are rewritten: read the difference before you commit it. */
const UPDATE = process.env.UPDATE_SCENARIOS === '1'

describe('scenarios of Raft happen as told', () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.txt'))
  for (const name of files.sort()) {
    it(name, () => {
      const path = join(FOLDER, name)
      const told = readFileSync(path, 'utf8')
      const happens = rerun(told)
      if (UPDATE) writeFileSync(path, happens)
      else expect(happens).toBe(told)
    })
  }

  it('and each is linked from docs/raft.md, whose links all lead somewhere', () => {
    const docs = join(FOLDER, '../../docs')
    const text = readFileSync(join(docs, 'raft.md'), 'utf8')
    const links = [...text.matchAll(/\]\(([^)#]+)\)/g)].map((match) => match[1] ?? '')
    for (const link of links) expect(existsSync(join(docs, link)), link).toBe(true)
    for (const name of files) expect(links).toContain(`../scenarios/raft/${name}`)
  })
})
