#!/usr/bin/env node
/** etcd's command line, for harnesses that are told where etcd lives: `bin/etcd` runs it. */
import { ETCD_VERSION } from '../server/etcd/version.js'
import { VERSION } from '../version.js'
import { report } from './errors.js'
import { buildProgram } from './program.js'

const args = process.argv.slice(2).map((arg) => arg.replace(/^-(?=[a-z][a-z-]+(?:=|$))/, '--'))

if (args[0] === '--version') {
  const lines = [
    `etcd Version: ${ETCD_VERSION}`,
    `Git SHA: Quorate ${VERSION}`,
    `Go Version: none, node ${process.version}`,
    `Go OS/Arch: ${process.platform}/${process.arch}`,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
} else {
  process.once('SIGINT', () => process.exit(130))
  try {
    await buildProgram(() => {}).parseAsync(['serve', ...args], { from: 'user' })
    process.exit(0)
  } catch (error) {
    process.exit(report(error))
  }
}
