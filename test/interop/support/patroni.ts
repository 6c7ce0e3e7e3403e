/** A PostgreSQL server under Debian's Patroni, with the leader key in a cluster of ours. All of it on loopback. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { stringify } from 'yaml'

export const SCOPE = 'demo'
/** The least that Patroni takes (s): so long a dead leader keeps its key. */
export const TTL_S = 20
const PASSWORD = 'secret'
const VERSIONS = '/usr/lib/postgresql'
const run = promisify(execFile)

export interface Ports {
  readonly rest: number
  readonly postgres: number
}

export class Postgres {
  readonly name: string
  readonly #dir: string
  readonly #ports: Ports
  #child: ChildProcess | null = null
  #log = ''

  constructor(name: string, root: string, ports: Ports, hosts: readonly string[]) {
    this.name = name
    this.#ports = ports
    this.#dir = join(root, name)
    mkdirSync(this.#dir)
    writeFileSync(this.#file, stringify(this.#settings(hosts)))
    own(this.#dir)
    own(this.#file)
    chmodSync(this.#dir, 0o700)
  }

  get log(): string {
    return this.#log
  }

  start(): void {
    const child = spawn('patroni', [this.#file], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      cwd: this.#dir,
      ...USER,
    })
    const keep = (chunk: Buffer) => {
      this.#log = (this.#log + chunk.toString()).slice(-50_000)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    this.#child = child
  }

  /** Patroni and the server at once, as if the machine had gone. */
  async kill(): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    const pid = this.#postmaster()
    if (pid !== null) end(pid)
  }

  /** Whether Patroni calls it `primary` or `replica`. */
  async is(role: 'primary' | 'replica'): Promise<boolean> {
    const page = `http://127.0.0.1:${this.#ports.rest}/${role}`
    return await fetch(page).then(
      ({ status }) => status === 200,
      () => false,
    )
  }

  /** What a statement prints, without frills; null: it failed. */
  async sql(statement: string): Promise<string | null> {
    const where = ['-h', '127.0.0.1', '-p', String(this.#ports.postgres), '-U', 'postgres']
    const args = [...where, '-d', 'postgres', '-AtX', '-c', statement]
    const env = { ...process.env, PGPASSWORD: PASSWORD, PGCONNECT_TIMEOUT: '2' }
    return await run('psql', args, { env, timeout: 10_000 }).then(
      ({ stdout }) => stdout.trim(),
      () => null,
    )
  }

  get #file(): string {
    return join(this.#dir, 'patroni.yml')
  }

  #postmaster(): number | null {
    try {
      const [line] = readFileSync(join(this.#dir, 'data', 'postmaster.pid'), 'utf8').split('\n')
      return Number(line)
    } catch {
      return null
    }
  }

  #settings(hosts: readonly string[]): object {
    const rest = `127.0.0.1:${this.#ports.rest}`
    const postgres = `127.0.0.1:${this.#ports.postgres}`
    const server = { max_connections: 20, shared_buffers: '16MB', fsync: 'off' }
    return {
      scope: SCOPE,
      name: this.name,
      restapi: { listen: rest, connect_address: rest },
      etcd3: { hosts },
      bootstrap: {
        dcs: {
          ttl: TTL_S,
          loop_wait: 1,
          retry_timeout: 3,
          postgresql: { use_pg_rewind: true, parameters: server },
        },
        initdb: ['data-checksums', { encoding: 'UTF8' }, { locale: 'C' }],
      },
      postgresql: {
        listen: postgres,
        connect_address: postgres,
        data_dir: join(this.#dir, 'data'),
        bin_dir: join(VERSIONS, newest(), 'bin'),
        pgpass: join(this.#dir, 'pgpass'),
        parameters: { unix_socket_directories: this.#dir },
        pg_hba: [
          'local all all trust',
          'host all all 127.0.0.1/32 md5',
          'host replication all 127.0.0.1/32 md5',
        ],
        authentication: {
          superuser: { username: 'postgres', password: PASSWORD },
          replication: { username: 'replicator', password: PASSWORD },
          rewind: { username: 'rewinder', password: PASSWORD },
        },
      },
    }
  }
}

/** PostgreSQL does not run as root. */
const USER: { readonly uid?: number; readonly gid?: number } =
  process.getuid?.() === 0 ? idsOf('postgres') : {}

function idsOf(user: string): { uid: number; gid: number } {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${user}:`))
  const [, , uid, gid] = line?.split(':') ?? []
  if (uid === undefined || gid === undefined) throw new Error(`there is no user ${user}`)
  return { uid: Number(uid), gid: Number(gid) }
}

export function own(path: string): void {
  const { uid, gid } = USER
  if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid)
}

function newest(): string {
  const [version] = readdirSync(VERSIONS).sort((a, b) => Number(b) - Number(a))
  if (version === undefined) throw new Error('PostgreSQL is not installed')
  return version
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has gone by itself.
  }
}
