import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { generate, toLines } from '../../support/histories.mjs'
import { run } from '../cli/run.js'

let dir = ''
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quorate-check-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const operation = (process: number, f: string, value: unknown, answer = value) =>
  [
    { process, type: 'invoke', f, value },
    { process, type: 'ok', f, value: answer },
  ]
    .map((event) => `${JSON.stringify(event)}\n`)
    .join('')

it('says ok, of a file and of stdin', async () => {
  const file = join(dir, 'good.jsonl')
  await writeFile(file, toLines(generate({ seed: 2, model: 'kv', operations: 200, keys: 3 })))
  const { code, stdout } = await run(['check', file])
  expect(stdout).toMatch(/^ok: linearizable \(200 operations in 3 partitions, model kv, /)
  expect(code).toBe(0)
  const piped = await run(['check', '-', '--json'], { input: await readFile(file, 'utf8') })
  expect(JSON.parse(piped.stdout)).toMatchObject({ verdict: 'ok', model: 'kv', partitions: 3 })
})

it('shows the smallest part that fails, and draws it', async () => {
  const html = join(dir, 'bad.html')
  const input = operation(0, 'write', 1) + operation(1, 'write', 2) + operation(2, 'read', null, 1)
  const { code, stdout, stderr } = await run(['check', '-', '--html', html], { input })
  expect(code).toBe(1)
  expect(stdout).toMatch(/^violation: not linearizable/)
  expect(stdout).toContain('it read 1, but the value is 2')
  expect(stderr).toContain(`drawn in ${html}`)
  const page = await readFile(html, 'utf8')
  expect(page).toContain('stdin is not linearizable')
  expect(page).not.toContain('<script')
})

it('takes a Jepsen log for what it is: a cas that failed has looked', async () => {
  const lines = [
    '0\t:invoke\t:write\t1',
    '0\t:ok\t:write\t1',
    '1\t:invoke\t:cas\t[1 2]',
    '1\t:fail\t:cas\t[1 2]',
  ]
  const input = lines.map((line) => `INFO  jepsen.util - ${line}\n`).join('')
  expect((await run(['check', '-'], { input })).code).toBe(1)
  expect((await run(['check', '-', '--failed-cas', 'ignored'], { input })).code).toBe(0)
})

it('a time-out is unknown, with an exit code of its own', async () => {
  const input = toLines(
    generate({ seed: 1, model: 'cas-register', operations: 3_000, processes: 50 }),
  )
  const { code, stdout } = await run(['check', '-', '--timeout', '1ms'], { input })
  expect(stdout).toMatch(/^unknown: not decided within 0.001 s; this is not a pass/)
  expect(code).toBe(4)
})

it('checks what watchers saw', async () => {
  const start = { watch: 'w1', type: 'start', key: 'a', revision: 2 }
  const event = (mod: number) => ({
    watch: 'w1',
    type: 'events',
    events: [{ type: 'put', key: 'a', value: 'x', mod }],
  })
  const text = (...lines: object[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('')
  const good = await run(['check', '-', '--watch'], { input: text(start, event(2), event(3)) })
  expect(good).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^ok: .*1 watches, 2 events/),
  })
  const bad = await run(['check', '-', '--watch'], { input: text(start, event(3), event(2)) })
  expect(bad.code).toBe(1)
  expect(bad.stdout).toContain('ordered: w1, line 3: put a "x" at revision 2 came after revision 3')
})

it.each([
  ['', /stdin: no operation in it/],
  ['{"process":0,"type":"begin","f":"read"}', /stdin: line 1: expected type to be invoke/],
  [
    '{"process":0,"type":"invoke","f":"dance"}',
    /no model knows all of dance: choose one with --model/,
  ],
])('refuses %j', async (input, message) => {
  const { code, stderr } = await run(['check', '-'], { input })
  expect(stderr).toMatch(message)
  expect(stderr.trim()).not.toContain('\n')
  expect(code).toBe(2)
})

it('names a file that is not there, a model and a format that do not exist', async () => {
  expect(await run(['check', join(dir, 'none')])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('cannot read'),
  })
  const input = operation(0, 'read', null)
  for (const flag of ['--model', '--format', '--failed-cas'])
    expect(await run(['check', '-', flag, 'nothing'], { input })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`${flag}: expected`),
    })
})
