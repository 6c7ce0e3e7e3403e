/** `serve` in etcd's place: its flags, its environment, its files, its version. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { CliError } from '../../../src/cli/errors.js'
import { toServeConfig } from '../../../src/cli/serve-config.js'
import { gather } from '../../../src/cli/serve-written.js'
import { freePorts } from '../../support/ports.js'

const ETCD = resolve(import.meta.dirname, '../../../bin/etcd')
const dir = mkdtempSync(join(tmpdir(), 'quorate-etcd-flags-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

function config(
  options: Record<string, unknown>,
  environment: Record<string, string> = {},
  source = 'cli',
) {
  return toServeConfig(
    gather({ dataDir: join(dir, 'data'), ...options }, () => source, environment),
  )
}

function refusal(options: Record<string, unknown>, environment: Record<string, string> = {}) {
  try {
    config(options, environment)
  } catch (error) {
    return error instanceof CliError ? `${error.exitCode} ${error.message}` : String(error)
  }
  return 'none'
}

describe('flags that etcd has and Quorate has not', () => {
  it.each([
    [{ maxTxnOps: '256' }, '--max-txn-ops has no effect: the bound is fixed: 128 operations'],
    [{ preVote: true }, '--pre-vote has no effect: pre-vote is always on'],
    [
      { experimentalWarningApplyDuration: '1s' },
      '--experimental-warning-apply-duration has no effect: no warning is printed for slow requests',
    ],
  ])('%j: a warning', (options, warning) => {
    expect(config(options).warnings).toContain(warning)
  })

  it('what promises safety is refused, unless it is switched off', () => {
    expect(refusal({ clientCertAuth: true })).toMatch(/^2 --client-cert-auth: not supported: .*TLS/)
    expect(refusal({ trustedCaFile: '/ca.pem' })).toMatch(/^2 --trusted-ca-file/)
    expect(refusal({ forceNewCluster: 'true' })).toMatch(/^2 --force-new-cluster/)
    expect(refusal({ discovery: 'http://d' })).toMatch(/^2 --discovery/)
    expect(config({ clientCertAuth: 'false', proxy: 'off', autoTls: 'false' }).warnings).toEqual([])
  })
})

describe('the signs of life of a watch', () => {
  const ms = (options: Record<string, unknown>) => config(options).node.limits.watchProgressMs

  it("are had as often as asked for, by etcd's older name too", () => {
    expect(ms({})).toBe(600_000)
    expect(ms({ watchProgressNotifyInterval: '0s' })).toBe(600_000)
    expect(ms({ experimentalWatchProgressNotifyInterval: '5s' })).toBe(5_000)
    const both = {
      experimentalWatchProgressNotifyInterval: '5s',
      watchProgressNotifyInterval: '7s',
    }
    expect(ms(both)).toBe(7_000)
    expect(config(both).warnings).toEqual([])
  })

  it('what is no such time is refused', () => {
    for (const wrong of ['5', 'often', '10ms', '25h'])
      expect(refusal({ experimentalWatchProgressNotifyInterval: wrong })).toMatch(
        /^2 --experimental-watch-progress-notify-interval: expected a duration/,
      )
  })
})

describe("etcd's environment", () => {
  it('counts where no flag and no name of our own is set', () => {
    const environment = { ETCD_NAME: 'e1', ETCD_SNAPSHOT_COUNT: '77' }
    const alone = config({}, environment).node
    expect(alone).toMatchObject({ name: 'e1', limits: { snapshotEntries: 77 } })
    expect(config({ name: 'q1' }, environment).node.name).toBe('q1')
  })

  it('a wrong value is told by the name under which it was given', () => {
    expect(refusal({}, { ETCD_ELECTION_TIMEOUT: 'soon' })).toMatch(/^2 ETCD_ELECTION_TIMEOUT: /)
    expect(refusal({}, { ETCD_TRUSTED_CA_FILE: '/ca' })).toMatch(/^2 ETCD_TRUSTED_CA_FILE: /)
  })
})

describe("etcd's file", () => {
  it('names as in etcd, its groups included where nothing in them is set', () => {
    const file = join(dir, 'etcd.yaml')
    const lines = [
      'name: e2',
      'wal-dir:',
      'election-timeout: 900',
      'log-level: debug',
      'client-transport-security:',
      '  cert-file:',
      '  auto-tls: false',
    ]
    writeFileSync(file, lines.join('\n'))
    const { node, warnings } = config({ configFile: file })
    expect(node).toMatchObject({ name: 'e2', timing: { electionTimeoutMs: 900 } })
    expect(warnings).toEqual([`${file}: log-level has no effect: the log is JSON lines on stderr`])
    writeFileSync(file, 'client-transport-security:\n  cert-file: /c.pem\n')
    expect(refusal({ configFile: file })).toMatch(/client-transport-security: not supported: .*TLS/)
  })
})

describe('bin/etcd', () => {
  it('tells a version that scripts can take apart', () => {
    const { stdout, status } = spawnSync(ETCD, ['--version'], { encoding: 'utf8' })
    expect(status).toBe(0)
    expect(stdout).toMatch(
      /^etcd Version: 3\.6\.0\nGit SHA: .+\nGo Version: .+\nGo OS\/Arch: .+\n$/,
    )
  })

  it('prints what harnesses wait for, and then serves', async () => {
    const [client, peer] = await freePorts(2)
    const url = `http://127.0.0.1:${client}`
    const own = ['--name', 's1', '--data-dir', join(dir, 's1'), '--initial-cluster-state', 'new']
    const clients = ['--listen-client-urls', url, '--advertise-client-urls', url]
    const at = `http://127.0.0.1:${peer}`
    const peers = ['--listen-peer-urls', at, '--initial-advertise-peer-urls', at]
    const args = [...own, ...clients, ...peers, '--initial-cluster', `s1=${at}`]
    const etcd = spawn(ETCD, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    try {
      let text = ''
      for await (const chunk of etcd.stderr) {
        text += chunk
        if (text.includes('ready to serve client requests')) break
      }
      expect(text).toMatch(/published local member to cluster/)
      expect(text).toMatch(/enabled capabilities for version 3\.6/)
      const health = await fetch(`${url}/health`)
      expect(await health.json()).toMatchObject({ health: 'true' })
    } finally {
      etcd.kill('SIGKILL')
      await once(etcd, 'exit')
    }
  })

  it("takes Go's single dash, and ends with 2 on what nobody knows", () => {
    const known = spawnSync(ETCD, ['-election-timeout=5', '-name', 'x'], { encoding: 'utf8' })
    expect(known.status).toBe(2)
    expect(known.stderr).toMatch(/--election-timeout: expected/)
    const unknown = spawnSync(ETCD, ['--nmae', 'x'], { encoding: 'utf8' })
    expect(unknown.status).toBe(2)
    expect(unknown.stderr).toMatch(/--nmae/)
  })
})
