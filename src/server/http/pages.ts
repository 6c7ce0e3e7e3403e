/** What operators, probes and scripts fetch from the client port: texts and forms as etcd's. */
import type { RequestListener, ServerResponse } from 'node:http'
import { sendError } from '../../rpc/http/status.js'
import { Code } from '../../rpc/status.js'
import { ETCD_VERSION } from '../etcd/version.js'

export interface PageParts {
  /** Why a write or a linearizable read would not be served now; null: it would. */
  notReady(): string | null
  /** Why not even a read of what this node has. */
  notServing(): string | null
  /** Those of the store that are raised, by etcd's names. */
  alarms(): readonly string[]
  /** False: the process cannot go on, or is about to end. */
  alive(): boolean
  /** `/health` was asked. */
  probed?(healthy: boolean): void
  /** In Prometheus's text format. */
  metrics(): Promise<{ readonly type: string; readonly text: string }>
}

type Page = (response: ServerResponse, asked: URLSearchParams) => void | Promise<void>

/** Null for a path that is no page. */
export type Pages = (path: string) => RequestListener | null

export function createPages(parts: PageParts): Pages {
  const pages = new Map<string, Page>([
    ['/version', sendVersion],
    [
      '/health',
      (response, asked) => {
        const problem = alarmed(parts.alarms(), asked) ?? unready(parts, asked)
        parts.probed?.(problem === null)
        sendHealth(response, problem)
      },
    ],
    // A store that is full still answers reads: as etcd has it, that is no reason to send nobody here.
    ['/readyz', (response) => sendProbe(response, corrupt(parts.alarms()) ?? parts.notReady())],
    ['/livez', (response) => sendProbe(response, parts.alive() ? null : 'the node is stopping')],
    [
      '/metrics',
      async (response) => {
        const { type, text } = await parts.metrics()
        send(response, 200, type, text)
      },
    ],
  ])
  return (path) => {
    const page = pages.get(path)
    if (page === undefined) return null
    return (request, response) => {
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        response.setHeader('Allow', 'GET, HEAD')
        const message = `expected GET, got ${request.method}`
        sendError(response, { status: 405, code: Code.UNIMPLEMENTED, message })
        return
      }
      const { searchParams } = new URL(request.url ?? '', 'http://node')
      Promise.resolve(page(response, searchParams)).catch(() => response.destroy())
    }
  }
}

/** `?exclude=NOSPACE` passes over alarms of that kind. */
function alarmed(alarms: readonly string[], asked: URLSearchParams): string | null {
  const excluded = new Set(asked.getAll('exclude'))
  const raised = alarms.find((alarm) => !excluded.has(alarm))
  return raised === undefined ? null : `ALARM ${raised}`
}

function corrupt(alarms: readonly string[]): string | null {
  return alarms.includes('CORRUPT') ? 'ALARM CORRUPT' : null
}

/** `?serializable=true` asks of this node alone. */
function unready(parts: PageParts, asked: URLSearchParams): string | null {
  return asked.get('serializable') === 'true' ? parts.notServing() : parts.notReady()
}

function sendVersion(response: ServerResponse): void {
  const body = JSON.stringify({ etcdserver: ETCD_VERSION, etcdcluster: ETCD_VERSION })
  send(response, 200, 'application/json', body)
}

/** `health` is a string: clients compare it with "true". */
function sendHealth(response: ServerResponse, problem: string | null): void {
  const body = JSON.stringify({ health: String(problem === null), reason: problem ?? '' })
  send(response, problem === null ? 200 : 503, 'application/json', body)
}

function sendProbe(response: ServerResponse, problem: string | null): void {
  send(response, problem === null ? 200 : 503, 'text/plain; charset=utf-8', `${problem ?? 'ok'}\n`)
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'X-Content-Type-Options': 'nosniff',
  })
  response.end(body)
}
