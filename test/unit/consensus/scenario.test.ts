import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
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
})
