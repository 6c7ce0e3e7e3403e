/** etcdctl's ways to write arguments, beside what they mean to commander. */
import { describe, expect, it } from 'vitest'
import { CliError } from '../../../src/cli/errors.js'
import { plainArguments } from '../../../src/cli/parse/arguments.js'
import { buildProgram } from '../../../src/cli/program.js'

const program = buildProgram(() => {})
const plain = (line: string): string => plainArguments(program, line.split(' ')).join(' ')

describe('arguments', () => {
  it.each([
    // Booleans, as Go reads them.
    ['get a --prefix=true --keys-only=false', 'get a --prefix'],
    ['get a --prefix=T --keys-only=0 --count-only=1', 'get a --prefix --count-only'],
    ['compaction 5 --physical=true', 'compaction 5 --physical'],
    ['lease timetolive 7 --keys=TRUE', 'lease timetolive 7 --keys'],
    ['elect e --listen=f one', 'elect e one'],
    ['elect e -l=true', 'elect e -l'],
    ['watch a --prefix=true -- run --prefix=true', 'watch a --prefix -- run --prefix=true'],
    // Values are left alone.
    ['get a --limit=3 --rev=0 -w=json', 'get a --limit=3 --rev=0 -w json'],
    ['check perf --prefix=true --load=s', 'check perf --prefix=true --load=s'],
    ['get --order --prefix=true', 'get --order --prefix=true'],
    ['put a --x=true', 'put a --x=true'],
    ['put a=true --prev-kv=true', 'put a=true --prev-kv'],
    // Ahead of the verb.
    ['--endpoints h:1 get a', 'get --endpoints h:1 a'],
    ['--endpoints=h:1 -w json --hex get a', 'get --endpoints=h:1 -w json --hex a'],
    ['--endpoints h:1 lease --write-out=json list', 'lease list --endpoints h:1 --write-out=json'],
    ['--hex=true member list', 'member list --hex'],
    ['--endpoints get', '--endpoints get'],
    ['--version', '--version'],
    ['--nonsense get a', '--nonsense get a'],
    ['check history.jsonl --json', 'check history.jsonl --json'],
    // `lock` has flags behind its name; the command's own begin with the command.
    ['lock x --ttl=5 -w json', 'lock --ttl=5 -w json x'],
    ['lock x --ttl 5 ls --prefix=true -l', 'lock --ttl 5 x ls --prefix=true -l'],
    ['lock x -- ls --hex=true', 'lock x -- ls --hex=true'],
    ['lock --ttl=5 x ls', 'lock --ttl=5 x ls'],
  ])('%s', (line, expected) => {
    expect(plain(line)).toBe(expected)
  })

  it.each(['maybe', '', 'yes', 'tRUE'])('--prefix=%s is neither true nor false', (value) => {
    expect(() => plain(`get a --prefix=${value}`)).toThrow(CliError)
    expect(() => plain(`get a --prefix=${value}`)).toThrow(
      `--prefix: expected true or false, got ${JSON.stringify(value)}`,
    )
  })
})
