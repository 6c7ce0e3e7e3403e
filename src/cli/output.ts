/** Data goes to stdout, all else to stderr. */

export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Bytes as they are, and a newline, as etcdctl prints keys and values. */
export function printBytes(bytes: Uint8Array): void {
  process.stdout.write(bytes)
  process.stdout.write('\n')
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value))
}

export function note(line: string): void {
  process.stderr.write(`${line}\n`)
}
