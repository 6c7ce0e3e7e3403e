/** Flags that several commands share, and how their values are read. */
import { type Command, Option } from 'commander'
import { usageError } from '../errors.js'
import { WRITE_OUTS } from '../format/etcd/write-out-names.js'
import { parseDuration } from '../parse/duration.js'

export const DEFAULT_ENDPOINTS = '127.0.0.1:2379,127.0.0.1:2389,127.0.0.1:2399'

/** Told once a command ended well with an exit code other than 0. */
export type SetExitCode = (code: number) => void

export function clientOptions(command: Command): Command {
  return command
    .addOption(
      env(new Option('--endpoints <list>', 'host:port, commas between').default(DEFAULT_ENDPOINTS)),
    )
    .addOption(
      env(
        new Option('--command-timeout <duration>', 'until it is given up')
          .default(5_000, '5s')
          .argParser(duration('--command-timeout')),
      ),
    )
    .addOption(
      env(
        new Option('--dial-timeout <duration>', 'until a connection is given up')
          .default(2_000, '2s')
          .argParser(duration('--dial-timeout')),
      ),
    )
}

export function submitterOptions(command: Command): Command {
  const file = new Option(
    '--cluster-file <file>',
    "PBFT: the cluster's public keys, to believe no other",
  )
  const key = new Option('--key <file>', "PBFT: this client's private key; else one for this call")
  return command.addOption(env(file)).addOption(env(key))
}

export function consistencyOption(): Option {
  return new Option('--consistency <kind>', 'stale: whatever the node asked has')
    .choices(['linearizable', 'stale', 'l', 's'])
    .default('linearizable')
}

/** `--data-dir` also comes from QUORATE_DATA_DIR. */
export function env(option: Option): Option {
  return option.env(`QUORATE_${option.name().replaceAll('-', '_').toUpperCase()}`)
}

export function number(flag: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^[0-9]+$/.test(text) || value < min || value > max)
      throw usageError(`${flag}: expected a whole number from ${min} to ${max}, got ${quote(text)}`)
    return value
  }
}

export function probability(flag: string): (text: string) => number {
  return (text) => {
    const p = Number(text)
    if (!/^[0-9]*\.?[0-9]+$/.test(text) || p > 1)
      throw usageError(`${flag}: expected a probability from 0 to 1, got ${quote(text)}`)
    return p
  }
}

export function duration(flag: string): (text: string) => number {
  return (text) => {
    const ms = parseDuration(text)
    if (ms === null)
      throw usageError(`${flag}: expected a duration such as 5s or 500ms, got ${quote(text)}`)
    return ms
  }
}

function quote(text: string): string {
  return JSON.stringify(text)
}

/** etcdctl's `--hex`, for what prints keys and values. */
export function hexOption(): Option {
  return new Option('--hex', 'with -w simple, every byte as \\x61')
}

/** etcdctl's `-w`. */
export function writeOutOption(): Option {
  return new Option('-w, --write-out <format>', "etcdctl's formats")
    .choices(WRITE_OUTS)
    .default('simple')
}
