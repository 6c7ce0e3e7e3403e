import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { rerunPbft } from '../../support/pbft-scenario-runner.js'
import { rerun } from '../../support/scenario-runner.js'

const SCENARIOS = join(import.meta.dirname, '../../../scenarios')

/** With UPDATE_SCENARIOS=1 the traces are rewritten: read the difference before you commit it. */
const UPDATE = process.env.UPDATE_SCENARIOS === '1'

for (const [protocol, play] of [
  ['raft', rerun],
  ['pbft', rerunPbft],
] as const)
  describe(`scenarios of ${protocol} happen as told`, () => {
    const folder = join(SCENARIOS, protocol)
    const files = readdirSync(folder).filter((name) => name.endsWith('.txt'))
    for (const name of files.sort()) {
      it(name, () => {
        const path = join(folder, name)
        const told = readFileSync(path, 'utf8')
        const happens = play(told)
        if (UPDATE) writeFileSync(path, happens)
        else expect(happens).toBe(told)
      })
    }

    it(`and each is linked from docs/${protocol}.md, whose links all lead somewhere`, () => {
      const docs = join(SCENARIOS, '../docs')
      const text = readFileSync(join(docs, `${protocol}.md`), 'utf8')
      const links = [...text.matchAll(/\]\(([^)#]+)\)/g)].map((match) => match[1] ?? '')
      for (const link of links) expect(existsSync(join(docs, link)), link).toBe(true)
      for (const name of files) expect(links).toContain(`../scenarios/${protocol}/${name}`)
    })
  })
