/** `put`, `get`, `del`, `txn`, `submit`: commands that run exactly once, over `quorate.v1`. */
import { type Command, Option } from 'commander'
import {
  clientOptions,
  consistencyOption,
  hexOption,
  number,
  type SetExitCode,
  submitterOptions,
  writeOutOption,
} from './options.js'

const SORT_BY = ['CREATE', 'KEY', 'MODIFY', 'VALUE', 'VERSION']

export function addKeyValue(program: Command, setExitCode: SetExitCode): void {
  const client = (name: string, description: string) =>
    submitterOptions(clientOptions(program.command(name).description(description)))
  const ranged = (command: Command) =>
    command
      .option('--prefix', 'every key that starts with KEY')
      .option('--from-key', 'KEY and every key behind it')
      .option('--json', 'print JSON')
      .addOption(writeOutOption())
      .addOption(hexOption())
  client('put', 'write a key; without a value, it is read from stdin')
    .argument('<key>')
    .argument('[value]')
    .option('--lease <id>', 'lease that owns the key, in hex')
    .option('--prev-kv', 'print the pair it replaces, too')
    .option('--ignore-value', 'keep the value that is there')
    .option('--ignore-lease', 'keep the lease that is there')
    .option('--json', 'print JSON')
    .addOption(writeOutOption())
    .addOption(hexOption())
    .action(async (key, value, options) => {
      await (await import('../commands/kv.js')).put(key, value, options)
    })
  ranged(client('get', 'read a key, or a range of keys'))
    .argument('<key>')
    .argument('[range_end]', 'exclusive')
    .addOption(consistencyOption())
    .option('--limit <n>', 'at most so many keys', number('--limit', 0, Number.MAX_SAFE_INTEGER))
    .option('--rev <n>', 'as of this revision', number('--rev', 0, Number.MAX_SAFE_INTEGER))
    .option('--keys-only', 'no values')
    .option('--count-only', 'only how many')
    .option('--print-value-only', 'no keys')
    .addOption(new Option('--order <order>', 'of what is printed').choices(['ASCEND', 'DESCEND']))
    .addOption(
      new Option('--sort-by <target>', 'ascending, unless told otherwise').choices(SORT_BY),
    )
    .action(async (key, end, options) => {
      await (await import('../commands/kv.js')).get(key, end, options)
    })
  ranged(client('del', 'delete a key, or a range of keys; prints how many there were'))
    .argument('<key>')
    .argument('[range_end]', 'exclusive')
    .option('--prev-kv', 'print the pairs it deletes, too')
    .action(async (key, end, options) => {
      await (await import('../commands/kv.js')).del(key, end, options)
    })
  client('txn', "compare, then do one of two lists: etcdctl's three paragraphs on stdin")
    .option('-i, --interactive', 'say what is expected next')
    .option('--strict', 'exit 5 when a comparison fails')
    .option('--json', 'print JSON')
    .addOption(writeOutOption())
    .addOption(hexOption())
    .action(async (options) => setExitCode(await (await import('../commands/kv.js')).txn(options)))
  client('submit', "send raw bytes to the cluster's state machine and print its answer")
    .argument('<bytes>', 'text, or hex with --hex; - reads stdin')
    .option('--hex', 'BYTES is hex, and so is what is printed')
    .option('--query', 'ask instead of change')
    .addOption(consistencyOption())
    .option('--json', 'print JSON')
    .action(async (bytes, options) => {
      await (await import('../commands/submit.js')).submit(bytes, options)
    })
}
